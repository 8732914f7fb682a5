using TinyMllm.Engine;
using TinyMllm.Language;
using TinyMllm.Vision;
using TinyMllm.Vision.Prompting;

namespace TinyMllm.Generation;

/// <summary>The language model with a cache and scratch of one conversation, and the picture encoder that all share.</summary>
internal sealed unsafe class ModelDecoder : IDecoder
{
    private readonly LanguageModel _language;
    private readonly VisionModel? _vision;
    private readonly Workspace _workspace;
    private readonly KvCache _cache;

    public ModelDecoder(LanguageModel language, VisionModel? vision, WorkerPool pool, int context, KvType type, bool hugePages = true)
    {
        (_language, _vision) = (language, vision);
        _workspace = new Workspace(pool, hugePages);
        _cache = language.CreateCache(context, type);
    }

    public int Capacity => _cache.Capacity;

    public int Length => _cache.Length;

    public int VocabularySize => _language.VocabularySize;

    public bool IsRecurrent => _cache.IsRecurrent;

    public void Truncate(int length) => _cache.Truncate(length);

    public KvSnapshot Snapshot() => _cache.Snapshot();

    public void Restore(KvSnapshot snapshot) => _cache.Restore(snapshot);

    public void CopyTo(IDecoder target) => _cache.CopyTo(((ModelDecoder)target)._cache);

    public void Save(Stream stream) => _cache.Save(stream);

    public void Load(Stream stream) => _cache.Load(stream);

    public void Read(ReadOnlySpan<int> ids, int position, Span<float> logits, CancellationToken cancellationToken) =>
        _language.Forward(_workspace, _cache, Batch.Text(ids, position), logits, cancellationToken);

    public float[] Encode(PicturePart picture, IProgress<VisionProgress>? progress, CancellationToken cancellationToken) =>
        Encode(_vision!, _workspace, picture, progress, cancellationToken);

    public void Read(PicturePart picture, float[] embeddings, int position, Span<float> logits, CancellationToken cancellationToken)
    {
        ImageChunk chunk = picture.Chunk with { Position = position };
        fixed (float* data = embeddings)
        {
            var rows = new Matrix(data, chunk.TokenCount, _language.InputLength);
            Batch batch = chunk.UsesMrope ? Batch.Picture(rows, chunk.Positions(), chunk.NonCausal)
                : Batch.Picture(rows, position, chunk.NonCausal);
            _language.Forward(_workspace, _cache, batch, logits, cancellationToken);
        }
    }

    /// <summary>Encodes one slice of a picture: [tokens × embedding length], row after row.</summary>
    public static float[] Encode(VisionModel vision, Workspace workspace, PicturePart picture, IProgress<VisionProgress>? progress,
        CancellationToken cancellationToken)
    {
        float[] rows = new float[picture.Tokens * vision.EmbeddingLength];
        fixed (float* data = rows)
            vision.Encode(workspace, picture.Chunk.Tile, new Matrix(data, picture.Tokens, vision.EmbeddingLength),
                progress, cancellationToken);
        return rows;
    }

    public void Dispose()
    {
        _cache.Dispose();
        _workspace.Dispose();
    }
}
