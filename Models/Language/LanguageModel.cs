using TinyMllm.Engine;
using TinyMllm.Engine.Decoding;
using TinyMllm.Kernels.Elementwise;
using TinyMllm.Language.Families;
using TinyMllm.Loaders.Gguf;
using TinyMllm.Weights;

namespace TinyMllm.Language;

/// <summary>
/// A text decoder: token ids or picture embeddings in, logits out. The weights are shared by all sessions; what a session has read lies
/// in its <see cref="KvCache"/>, and its scratch memory in its <see cref="Workspace"/>. Whichever of these is disposed while a batch is
/// read lives until the batch is over.
/// </summary>
public sealed unsafe class LanguageModel : IDisposable
{
    private readonly GgufFile _file;
    private readonly DecoderPlan _plan;
    private readonly Lifetime _lifetime;
    private readonly StoredTensor _embedding;
    private readonly RotaryEmbedding[] _rotaries;
    private readonly int[] _windows;
    private readonly int _chunkLength;

    private LanguageModel(GgufFile file, DecoderBuilder builder, DecoderPlan plan, LanguageModelOptions options)
    {
        _file = file;
        _lifetime = new Lifetime(this, builder.Weights.Dispose);
        Config = builder.Config;
        _plan = plan;
        _embedding = builder.TokenEmbedding;
        _rotaries = [.. builder.Rotaries];
        _windows = [.. builder.Windows];
        _chunkLength = Math.Max(1, options.ChunkLength);
    }

    /// <summary><c>general.architecture</c> of the file.</summary>
    public string Architecture => Config.Architecture;

    /// <summary>Features of a token.</summary>
    public int EmbeddingLength => Config.EmbeddingLength;

    /// <summary>
    /// Features of a picture's embedding row: <see cref="EmbeddingLength"/>, times one plus the number of deepstack slices where the
    /// model has them.
    /// </summary>
    public int InputLength => EmbeddingLength * (1 + (_plan.Deepstack?.Slices ?? 0));

    /// <summary>Tokens in the vocabulary: the length of a row of logits.</summary>
    public int VocabularySize => Config.VocabularySize;

    /// <summary>Tokens of context that the model was trained for.</summary>
    public int TrainingContext => Config.ContextLength;

    /// <summary>Whether positions have several dimensions, so that a picture's tokens carry time, row and column.</summary>
    public bool UsesMrope => _rotaries.Any(rotary => rotary.Axes > 1);

    /// <summary>Sizes and constants of the file.</summary>
    internal LanguageConfig Config { get; }

    /// <summary>Loads the decoder of <paramref name="file"/>, which must stay open as long as the model is used.</summary>
    /// <exception cref="UnsupportedModelException">The architecture is unknown, or a key or tensor is missing or wrong.</exception>
    public static LanguageModel Load(GgufFile file, LanguageModelOptions? options = null) => Load(file, options, null, default);

    /// <summary>Loads the decoder and tells what share of its weights is read.</summary>
    internal static LanguageModel Load(
        GgufFile file, LanguageModelOptions? options, Action<double>? loaded, CancellationToken cancellationToken)
    {
        options ??= new LanguageModelOptions();
        using var open = file.Use();
        DecoderBuilder builder = Describe(file, options, out DecoderPlan plan);
        try
        {
            builder.Weights.Load(loaded, cancellationToken);
            return new LanguageModel(file, builder, plan, options);
        }
        catch
        {
            // Out of memory, or a file that ends early: what was read so far goes back.
            builder.Weights.Dispose();
            throw;
        }
    }

    /// <summary>Whether the decoder of <paramref name="file"/> can be run; reads no weights.</summary>
    /// <param name="file">The file.</param>
    /// <param name="reason">The key or tensor that stands in the way; empty if none does.</param>
    public static bool Supports(GgufFile file, out string reason)
    {
        try
        {
            Describe(file, new LanguageModelOptions(), out _);
            reason = "";
            return true;
        }
        catch (Exception problem) when (problem is UnsupportedModelException or GgufFormatException)
        {
            reason = problem.Message;
            return false;
        }
    }

    /// <summary>An empty cache for one session.</summary>
    /// <param name="context">Most tokens it can hold.</param>
    /// <param name="type">How keys and values are stored.</param>
    public KvCache CreateCache(int context, KvType type = KvType.F16) =>
        new([.. _plan.Blocks.Select(block => block.Mixer.CacheShape)], context, type);

    /// <summary>Reads a batch: appends it to the cache and computes logits.</summary>
    /// <param name="workspace">Threads and scratch of the session.</param>
    /// <param name="cache">What the session has read so far.</param>
    /// <param name="batch">Tokens or a picture.</param>
    /// <param name="logits">
    /// <see cref="VocabularySize"/> values for the last row only (the usual case), that many for every row, or empty if none are wanted.
    /// </param>
    /// <param name="cancellationToken">
    /// Looked at before each layer; the cache then holds the chunks that are complete, but recurrent states may be ahead of them: go back to a
    /// snapshot (<see cref="KvCache.Restore"/>) or to the beginning.
    /// </param>
    /// <exception cref="ContextOverflowException">The cache has no room for the batch; nothing was read.</exception>
    /// <exception cref="ArgumentException">A token id is not in the vocabulary, or embeddings or logits have another length.</exception>
    /// <exception cref="ObjectDisposedException">The model, its file, the workspace or the cache was disposed.</exception>
    public void Forward(Workspace workspace, KvCache cache, Batch batch, Span<float> logits, CancellationToken cancellationToken = default)
    {
        using var open = _file.Use();
        using var weights = _lifetime.Use();
        using var past = cache.Use();
        using var scratch = workspace.Frame();
        int rows = batch.Count;
        if (rows == 0) return;
        Check(cache, batch, logits);
        bool all = logits.Length > VocabularySize;
        int chunk = batch.IsNonCausal ? rows : _chunkLength;
        for (int first = 0; first < rows; first += chunk)
        {
            int count = Math.Min(chunk, rows - first);
            var wanted = all ? logits.Slice(first * VocabularySize, count * VocabularySize) : first + count == rows ? logits : default;
            RunChunk(workspace, cache, batch, first, count, wanted, cancellationToken);
        }
    }

    /// <summary>Frees the weights, or has them freed when the batches that are being read are over.</summary>
    public void Dispose() => _lifetime.Dispose();

    private static DecoderBuilder Describe(GgufFile file, LanguageModelOptions options, out DecoderPlan plan)
    {
        if (file.Architecture.Length == 0) throw new UnsupportedModelException($"{file.Path}: key 'general.architecture' is missing");
        if (LanguageFamilies.Find(file.Architecture) is not { } family)
        {
            string known = string.Join(", ", LanguageFamilies.Known);
            throw new UnsupportedModelException($"{file.Path}: architecture '{file.Architecture}' is not supported; supported are {known}");
        }

        var builder = new DecoderBuilder(LanguageConfigReader.Read(file, family), new ModelWeights(file, options.Weights), options);
        try
        {
            _ = builder.TokenEmbedding;
            plan = family.Plan(builder);
        }
        catch (UnsupportedModelException problem) when (!problem.Message.StartsWith(file.Path, StringComparison.Ordinal))
        {
            throw new UnsupportedModelException($"{file.Path}: {problem.Message}", problem);
        }

        return builder;
    }

    private void Check(KvCache cache, Batch batch, Span<float> logits)
    {
        int rows = batch.Count;
        if (logits.Length != 0 && logits.Length != VocabularySize && logits.Length != (long)rows * VocabularySize)
            throw new ArgumentException($"room for {logits.Length} logits, expected 0, {VocabularySize} or {rows} times it", nameof(logits));
        if (batch.IsPicture && batch.Embeddings.Columns != InputLength)
        {
            throw new ArgumentException(
                $"picture embeddings have {batch.Embeddings.Columns} features, the model takes {InputLength}: wrong mmproj?", nameof(batch));
        }

        foreach (int token in batch.Tokens)
        {
            if ((uint)token >= (uint)VocabularySize)
                throw new ArgumentException($"token {token} is not in the vocabulary of {VocabularySize}", nameof(batch));
        }

        long needed = (long)cache.Length + rows;
        if (needed > cache.Capacity) throw new ContextOverflowException((int)Math.Min(int.MaxValue, needed), cache.Capacity);
    }

    private void RunChunk(
        Workspace workspace, KvCache cache, Batch batch, int first, int count, Span<float> logits, CancellationToken cancellationToken)
    {
        using (workspace.Frame())
        {
            var x = workspace.Rent(count, EmbeddingLength);
            Embed(workspace, batch, first, x);
            var pass = Prepare(workspace, cache, batch, first, count);
            if (_plan.PositionEmbedding is { } table) AddPositions(workspace, table, pass.Positions, x);
            DecoderBlock[] blocks = _plan.Blocks;
            for (int i = 0; i < blocks.Length; i++)
            {
                cancellationToken.ThrowIfCancellationRequested();
                AddDeepstack(workspace, batch, first, i, x);
                blocks[i].Forward(pass, cache[i], x, batch.IsPicture);
            }

            AddDeepstack(workspace, batch, first, blocks.Length, x);
            cache.Advance(count);
            if (!logits.IsEmpty) Project(workspace, x, logits);
        }
    }

    private void Embed(Workspace workspace, Batch batch, int first, Matrix x)
    {
        if (batch.IsPicture) batch.Embeddings.Slice(first, x.Rows).SliceColumns(0, EmbeddingLength).CopyTo(x);
        else for (int i = 0; i < x.Rows; i++) _embedding.DecodeRow(batch.Tokens[first + i], x.RowSpan(i));
        float scale = batch.IsPicture ? _plan.PictureEmbeddingScale : _plan.EmbeddingScale;
        if (scale != 1) Activations.Scale(workspace, x, scale, x);
    }

    private DecoderPass Prepare(Workspace workspace, KvCache cache, Batch batch, int first, int count)
    {
        int axes = batch.Positions.IsEmpty ? 1 : batch.Positions.Length / batch.Count;
        int* positions = workspace.Rent<int>((long)axes * count);
        for (int axis = 0; axis < axes; axis++)
        {
            for (int i = 0; i < count; i++)
            {
                positions[axis * count + i] = batch.Positions.IsEmpty
                    ? batch.FirstPosition + first + i
                    : batch.Positions[axis * batch.Count + first + i];
            }
        }

        var tables = workspace.Rent<Matrix>(_rotaries.Length);
        for (int slot = 0; slot < _rotaries.Length; slot++)
            tables[slot] = _rotaries[slot].Prepare(workspace, new ReadOnlySpan<int>(positions, axes * count), count);

        var ranges = workspace.Rent<KeyRange>((long)_windows.Length * count);
        for (int slot = 0; slot < _windows.Length; slot++)
        {
            var part = new Span<KeyRange>(ranges + ((long)slot * count), count);
            KeyRange.Causal(part, cache.Length, _windows[slot]);
            if (!batch.IsNonCausal) continue;
            foreach (ref var range in part) range = range with { End = cache.Length + count };
        }

        return new DecoderPass(workspace, count, positions, tables, ranges);
    }

    private static void AddPositions(Workspace workspace, StoredTensor table, ReadOnlySpan<int> positions, Matrix x)
    {
        using (workspace.Frame())
        {
            var rows = workspace.Rent(x.Rows, x.Columns);
            for (int i = 0; i < x.Rows; i++)
            {
                if (positions[i] >= table.Rows) throw new ContextOverflowException(positions[i] + 1, table.Rows);
                table.DecodeRow(positions[i], rows.RowSpan(i));
            }

            Activations.Add(workspace, rows, x);
        }
    }

    private void AddDeepstack(Workspace workspace, Batch batch, int first, int layer, Matrix x)
    {
        if (!batch.IsPicture || _plan.Deepstack is not { } deepstack) return;
        int slice = deepstack.SliceBefore[layer];
        if (slice < 0) return;
        var rows = batch.Embeddings.Slice(first, x.Rows);
        Activations.Add(workspace, rows.SliceColumns(slice * EmbeddingLength, EmbeddingLength), x);
    }

    private void Project(Workspace workspace, Matrix x, Span<float> logits)
    {
        int rows = logits.Length / VocabularySize;
        fixed (float* target = logits)
        {
            var y = new Matrix(target, rows, VocabularySize);
            var last = x.Slice(_plan.LogitsOfFirstRows ? 0 : x.Rows - rows, rows);
            _plan.OutputNorm.Forward(workspace, last, last);
            _plan.Output.Forward(workspace, last, y);
            if (_plan.LogitScale != 1) Activations.Scale(workspace, y, _plan.LogitScale, y);
            if (_plan.LogitSoftCap > 0) SoftCap.Apply(target, _plan.LogitSoftCap, logits.Length);
        }
    }
}
