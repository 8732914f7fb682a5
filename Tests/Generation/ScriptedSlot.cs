using System.Text;
using TinyMllm.Engine;
using TinyMllm.Generation;
using TinyMllm.Loaders.Text.Tokenizers;
using TinyMllm.Vision;

namespace TinyMllm.Tests.Generation;

/// <summary>
/// Says a fixed text, one character per token (token = character code), then <see cref="End"/>; remembers what it read and encoded.
/// What it says next depends only on how many of its own tokens lie at the end of its memory, as with a real model.
/// </summary>
internal sealed class ScriptedSlot(string script, int capacity = 1000, bool recurrent = false) : Slot(Characters)
{
    public const int End = 127;

    private const int Characters = 128;

    private readonly List<int> _memory = [];

    public override int Capacity => capacity;

    public override int Length => _memory.Count;

    public int TokensRead { get; private set; }

    public List<int> Tiles { get; } = [];

    /// <summary>Called before each read with the number of tokens read so far.</summary>
    public Action<int>? OnRead { get; set; }

    public static TextPart Text(string text) => new([.. text.Select(c => (int)c)]);

    public static PicturePart Picture(int content, int tokens = 4) =>
        new(new PictureKey((UInt128)content), 0, new ImageTile([], new(content, 1)), TokenGrid.Line(tokens), false, false);

    /// <summary>One token per ASCII character.</summary>
    public static Tokenizer Tokenizer { get; } = new(new TokenizerVocabulary
    {
        Family = TokenizerFamily.SentencePiece,
        Tokens = [.. Enumerable.Range(0, Characters).Select(id => Encoding.UTF8.GetBytes(id == ' ' ? "▁" : ((char)id).ToString()))],
        Eos = End,
    });

    public override bool IsRecurrent => recurrent;

    public override void Truncate(int length)
    {
        Assert.That(!recurrent || length == 0, "a recurrent decoder cannot forget single tokens");
        _memory.RemoveRange(length, _memory.Count - length);
    }

    protected override void CopyMemoryTo(Slot target)
    {
        var copy = (ScriptedSlot)target;
        copy._memory.Clear();
        copy._memory.AddRange(_memory);
    }

    protected override void SaveMemory(Stream stream) => throw new NotSupportedException();

    protected override void LoadMemory(Stream stream) => throw new NotSupportedException();

    public override KvSnapshot Snapshot() => new(Length, []);

    public override void Restore(KvSnapshot snapshot) => _memory.RemoveRange(snapshot.Length, _memory.Count - snapshot.Length);

    protected override void Forward(ReadOnlySpan<int> ids, int position, Span<float> logits, CancellationToken cancellationToken)
    {
        OnRead?.Invoke(TokensRead);
        cancellationToken.ThrowIfCancellationRequested();
        foreach (int id in ids) _memory.Add(id);
        TokensRead += ids.Length;
        Predict(logits);
    }

    public override float[] Encode(PicturePart picture, IProgress<VisionProgress>? progress, CancellationToken cancellationToken)
    {
        Tiles.Add(picture.Tile.Size.Width);
        return new float[picture.Tokens];
    }

    protected override void Forward(PicturePart picture, float[] embeddings, int position, Span<float> logits, CancellationToken cancellationToken)
    {
        for (int i = 0; i < picture.Tokens; i++) _memory.Add(-1);
        TokensRead += picture.Tokens;
        Predict(logits);
    }

    public override void Dispose()
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
