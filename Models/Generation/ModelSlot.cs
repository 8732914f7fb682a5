using TinyMllm.Engine;
using TinyMllm.Language;
using TinyMllm.Vision;

namespace TinyMllm.Generation;

/// <summary>The memory of one conversation with a model: a cache and scratch of its own, over weights that all conversations share.</summary>
internal sealed unsafe class ModelSlot : Slot
{
    private readonly LanguageModel _language;
    private readonly VisionModel? _vision;
    private readonly Workspace _workspace;
    private readonly KvCache _cache;

    public ModelSlot(LanguageModel language, VisionModel? vision, WorkerPool pool, int context, KvType type, bool hugePages = true)
        : base(language.VocabularySize)
    {
        (_language, _vision) = (language, vision);
        _workspace = new Workspace(pool, hugePages);
        _cache = language.CreateCache(context, type);
    }

    /// <inheritdoc/>
    public override int Capacity => _cache.Capacity;

    /// <inheritdoc/>
    public override int Length => _cache.Length;

    /// <inheritdoc/>
    public override bool IsRecurrent => _cache.IsRecurrent;

    /// <inheritdoc/>
    public override void Truncate(int length) => _cache.Truncate(length);

    /// <inheritdoc/>
    public override KvSnapshot Snapshot() => _cache.Snapshot();

    /// <inheritdoc/>
    public override void Restore(KvSnapshot snapshot) => _cache.Restore(snapshot);

    /// <inheritdoc/>
    public override float[] Encode(PicturePart picture, IProgress<VisionProgress>? progress, CancellationToken cancellationToken) =>
        _vision!.Encode(_workspace, picture.Tile, progress, cancellationToken);

    /// <inheritdoc/>
    public override void Dispose()
    {
        _cache.Dispose();
        _workspace.Dispose();
    }

    /// <inheritdoc/>
    protected override void CopyMemoryTo(Slot target) => _cache.CopyTo(((ModelSlot)target)._cache);

    /// <inheritdoc/>
    protected override void SaveMemory(Stream stream) => _cache.Save(stream);

    /// <inheritdoc/>
    protected override void LoadMemory(Stream stream) => _cache.Load(stream);

    /// <inheritdoc/>
    protected override void Forward(ReadOnlySpan<int> tokens, int position, Span<float> logits, CancellationToken cancellationToken) =>
        _language.Forward(_workspace, _cache, Batch.Text(tokens, position), logits, cancellationToken);

    /// <inheritdoc/>
    protected override void Forward(PicturePart picture, float[] embeddings, int position, Span<float> logits, CancellationToken cancellationToken)
    {
        fixed (float* data = embeddings)
        {
            var rows = new Matrix(data, picture.Tokens, _language.InputLength);
            Batch batch = picture.UsesMrope
                ? Batch.Picture(rows, picture.PositionsFrom(position), picture.NonCausal)
                : Batch.Picture(rows, position, picture.NonCausal);
            _language.Forward(_workspace, _cache, batch, logits, cancellationToken);
        }
    }
}
