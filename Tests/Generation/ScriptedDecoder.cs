using TinyMllm.Engine;
using TinyMllm.Generation;
using TinyMllm.Vision;
using TinyMllm.Vision.Prompting;

namespace TinyMllm.Tests.Generation;

/// <summary>
/// Says a fixed text, one character per token (token = character code), then <see cref="End"/>; remembers what it read and encoded.
/// What it says next depends only on how many of its own tokens lie at the end of its memory, as with a real model.
/// </summary>
internal sealed class ScriptedDecoder(string script, int capacity = 1000, bool recurrent = false) : IDecoder, ITokenText
{
    public const int End = 127;

    private readonly List<int> _memory = [];

    public int Capacity => capacity;

    public int Length => _memory.Count;

    public int VocabularySize => 128;

    public int TokensRead { get; private set; }

    public List<int> Slices { get; } = [];

    /// <summary>Called before each read with the number of tokens read so far.</summary>
    public Action<int>? OnRead { get; set; }

    public static TextPart Text(string text) => new([.. text.Select(c => (int)c)]);

    public static PicturePart Picture(int content, int tokens = 4) => 
        new(new PictureKey((ulong)content, 0), 0, new ImageChunk(0, 0, new ImageTile([], default), TokenGrid.Line(tokens), false, false));

    public bool IsRecurrent => recurrent;

    public void Truncate(int length)
    {
        Assert.That(!recurrent || length == 0, "a recurrent decoder cannot forget single tokens");
        _memory.RemoveRange(length, _memory.Count - length);
    }

    public void CopyTo(IDecoder target)
    {
        var copy = (ScriptedDecoder)target;
        copy._memory.Clear();
        copy._memory.AddRange(_memory);
    }

    public void Save(Stream stream) => throw new NotSupportedException();

    public void Load(Stream stream) => throw new NotSupportedException();

    public KvSnapshot Snapshot() => new(Length, []);

    public void Restore(KvSnapshot snapshot) => _memory.RemoveRange(snapshot.Length, _memory.Count - snapshot.Length);

    public void Read(ReadOnlySpan<int> ids, int position, Span<float> logits, CancellationToken cancellationToken)
    {
        OnRead?.Invoke(TokensRead);
        cancellationToken.ThrowIfCancellationRequested();
        foreach (int id in ids) _memory.Add(id);
        TokensRead += ids.Length;
        Predict(logits);
    }

    public float[] Encode(PicturePart picture, IProgress<VisionProgress>? progress, CancellationToken cancellationToken)
    {
        Slices.Add((int)picture.Picture.High);
        return new float[picture.Tokens];
    }

    public void Read(PicturePart picture, float[] embeddings, int position, Span<float> logits, CancellationToken cancellationToken)
    {
        for (int i = 0; i < picture.Tokens; i++) _memory.Add(-1);
        TokensRead += picture.Tokens;
        Predict(logits);
    }

    public string Push(int token) => ((char)token).ToString();

    public string Flush() => "";

    public void Dispose()
    {
    }

    private void Predict(Span<float> logits)
    {
        if (logits.IsEmpty) return;
        logits.Clear();
        int said = 0;
        for (int length = Math.Min(script.Length, _memory.Count); length > 0 && said == 0; length--)
        {
            if (_memory.TakeLast(length).SequenceEqual(script[..length].Select(c => (int)c))) said = length;
        }

        logits[said < script.Length ? script[said] : End] = 10;
    }
}
