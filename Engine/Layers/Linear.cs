using TinyMllm.Kernels;
using TinyMllm.Kernels.MatMul;

namespace TinyMllm.Engine;

/// <summary>
/// y = x·Wᵀ + b for every row of x. W is stored as in GGUF: [inputs, outputs] with the inputs contiguous. Several matrices that read the
/// same input can be fused into one layer whose outputs stand side by side (q, k, v; gate, up): the input is quantised once, and one barrier ends them all.
/// </summary>
/// <remarks>
/// A product with one row, as in generation, waits for memory. Each layer remembers which one was run after it the last time and names it to the pool, whose idle workers then
/// read its weights ahead. A wrong guess costs nothing but cache.
/// </remarks>
public sealed unsafe class Linear : IStoredWeights, IReadAhead
{
    /// <summary>Rows from which a product is bound by arithmetic.</summary>
    private const int ManyRows = 4;

    private const int TasksPerThread = 16;

    /// <summary>Most weights of a task with few rows: at the end of a product one thread waits for at most the time that reading them takes.</summary>
    private const long TaskBytes = 128 << 10;

    /// <summary>Bytes asked for at a time: few enough that a worker notices new work soon.</summary>
    private const int PrefetchBytes = 2048;

    private readonly WeightOptions _options;
    private readonly (StoredTensor Weight, StoredTensor? Bias)[] _stored;
    private PackedMatrix[] _parts = [];
    private NativeBuffer<float>?[] _biases = [];
    private int _panels;
    private Linear? _follower;
    private int _panelsPerTask = 1;

    private Linear(WeightOptions options, (StoredTensor Weight, StoredTensor? Bias)[] stored)
    {
        (_options, _stored) = (options, stored);
        Inputs = stored[0].Weight.Columns;
        foreach (var (weight, bias) in stored)
        {
            if (weight.Columns != Inputs)
                throw new ArgumentException($"{weight.Name} has {weight.Columns} inputs, {stored[0].Weight.Name} has {Inputs}");
            if (bias is not null && bias.ElementCount != weight.Rows)
                throw new ArgumentException($"{bias.Name} has {bias.ElementCount} values, {weight.Name} has {weight.Rows} outputs");
            Outputs += weight.Rows;
        }
    }

    /// <summary>Columns of the input.</summary>
    public int Inputs { get; }

    /// <summary>Columns of the output, over all fused matrices.</summary>
    public int Outputs { get; }

    /// <summary>Bytes that the packed weights take.</summary>
    public long ByteCount => _parts.Sum(part => part.ByteCount);

    long IStoredWeights.StoredBytes => _stored.Sum(part => part.Weight.ByteCount + (part.Bias?.ByteCount ?? 0));

    /// <summary>A layer of one matrix.</summary>
    /// <param name="options">How to hold the weights.</param>
    /// <param name="weight">[inputs, outputs]; higher dimensions count as more outputs.</param>
    /// <param name="bias">[outputs], any float type, or null.</param>
    public static Linear Create(WeightOptions options, StoredTensor weight, StoredTensor? bias = null) => Fuse(options, (weight, bias));

    /// <summary>A layer of several matrices with the same number of inputs; their outputs follow each other in the given order.</summary>
    /// <exception cref="ArgumentException">The matrices differ in their inputs, or a bias does not fit its matrix.</exception>
    public static Linear Fuse(WeightOptions options, params ReadOnlySpan<(StoredTensor Weight, StoredTensor? Bias)> parts)
    {
        Linear layer = Describe(options, parts);
        layer.Load();
        return layer;
    }

    /// <summary>The layer that <see cref="Fuse"/> gives, without its weights: <see cref="Load"/> reads them.</summary>
    internal static Linear Describe(WeightOptions options, params ReadOnlySpan<(StoredTensor Weight, StoredTensor? Bias)> parts) =>
        new(options, parts.ToArray());

    /// <inheritdoc cref="IStoredWeights.Load"/>
    internal void Load()
    {
        if (_parts.Length > 0) return;
        var matrices = new PackedMatrix[_stored.Length];
        var biases = new NativeBuffer<float>?[_stored.Length];
        try
        {
            for (int i = 0; i < _stored.Length; i++)
            {
                matrices[i] = PackedMatrix.Pack(_options, _stored[i].Weight);
                if (_stored[i].Bias is { } bias)
                {
                    biases[i] = new NativeBuffer<float>(16 * matrices[i].PanelCount, clear: true);
                    bias.DecodeTo(biases[i]!.Span);
                }
            }
        }
        catch
        {
            foreach (var matrix in matrices) matrix?.Dispose();
            foreach (var bias in biases) bias?.Dispose();
            throw;
        }

        _panels = matrices.Sum(matrix => matrix.PanelCount);
        (_parts, _biases) = (matrices, biases);
    }

    void IStoredWeights.Load() => Load();

    /// <summary>y = x·Wᵀ + b, or y += x·Wᵀ + b if <paramref name="add"/>: the product and the residual sum in one pass.</summary>
    /// <param name="workspace">Threads and scratch.</param>
    /// <param name="x">[tokens, <see cref="Inputs"/>].</param>
    /// <param name="y">[tokens, <see cref="Outputs"/>]; must not overlap x.</param>
    /// <param name="add">Whether the result is added to what y holds.</param>
    public void Forward(Workspace workspace, Matrix x, Matrix y, bool add = false) => Forward(workspace, x, y, add, default(NoStep));

    /// <summary>The same with an input that is still to be made, row by row in place.</summary>
    internal void Forward<TStep>(Workspace workspace, Matrix x, Matrix y, bool add, TStep step)
        where TStep : struct, IRowStep
    {
        if (x.Columns != Inputs || y.Columns != Outputs || x.Rows != y.Rows)
            throw new ArgumentException($"a {Inputs}→{Outputs} layer cannot map {x.Rows}×{x.Columns} to {y.Rows}×{y.Columns}");
        if (_parts.Length == 0) throw new InvalidOperationException($"the weights '{_stored[0].Weight.Name}' are not loaded");
        if (x.Rows == 0) return;
        using (workspace.Frame())
        {
            var input = new LayerInput<TStep>(workspace, x, step);
            PanelArguments* arguments = stackalloc PanelArguments[_parts.Length];
            int column = 0;
            for (int i = 0; i < _parts.Length; i++)
            {
                var part = _parts[i];
                arguments[i] = new PanelArguments
                {
                    Weights = part.Panels, PanelBytes = part.PanelBytes, Inputs = Inputs, Outputs = part.Outputs, Rows = x.Rows,
                    X = x.Data, XStride = x.Stride, Y = y.Data + column, YStride = y.Stride,
                    Bias = _biases[i] is { } bias ? bias.Pointer : null, Accumulate = add,
                };
                input.Provide(part.Kernel, ref arguments[i]);
                column += part.Outputs;
            }

            input.Finish();

            // Enough tasks for an even share, few enough that taking one costs nothing beside it.
            // Even, because kernels take two panels at a time.
            bool many = x.Rows >= ManyRows;
            int perTask = _panels / (workspace.Pool.Threads * TasksPerThread);
            if (!many) perTask = (int)Math.Min(perTask, TaskBytes / _parts[0].PanelBytes);
            perTask = (Math.Max(1, perTask) + 1) & ~1;
            var body = new Body { Parts = _parts, Arguments = arguments, PanelsPerTask = perTask, Panels = _panels };
            workspace.Pool.For((_panels + perTask - 1) / perTask, ref body, many ? null : Follower(workspace, perTask));
        }
    }

    /// <summary>Frees the weights; no thread may be computing with them. Using the layer afterwards is an error.</summary>
    public void Dispose()
    {
        foreach (var part in _parts) part.Dispose();
        foreach (var bias in _biases) bias?.Dispose();
    }

    private Linear? Follower(Workspace workspace, int perTask)
    {
        _panelsPerTask = perTask;
        if (workspace.LastLayer is { } previous) previous._follower = this;
        workspace.LastLayer = this;
        return _follower;
    }

    int IReadAhead.Count => (_panels + _panelsPerTask - 1) / _panelsPerTask;

    int IReadAhead.Prefetch(int index, int piece)
    {
        int first = index * _panelsPerTask, count = Math.Min(_panelsPerTask, _panels - first);
        foreach (var part in _parts)
        {
            if (first >= part.PanelCount)
            {
                first -= part.PanelCount;
                continue;
            }

            // What reaches into the next matrix is left out.
            long start = (long)piece * PrefetchBytes, end = Math.Min(count, part.PanelCount - first) * part.PanelBytes;
            int bytes = (int)Math.Clamp(end - start, 0, PrefetchBytes);
            CacheHint.ReadSoon(part.PanelsHint + (first * part.PanelBytes) + start, bytes);
            return bytes;
        }

        return 0;
    }

    private struct Body : IParallelBody
    {
        public PackedMatrix[] Parts;
        public PanelArguments* Arguments;
        public int PanelsPerTask, Panels;

        public readonly void Run(int index)
        {
            int first = index * PanelsPerTask, end = Math.Min(Panels, first + PanelsPerTask);
            for (int i = 0; i < Parts.Length && first < end; i++)
            {
                int count = Parts[i].PanelCount;
                if (first < count) Parts[i].Kernel.Run(Arguments + i, first, Math.Min(end, count) - first);
                first = Math.Max(0, first - count);
                end -= count;
            }
        }
    }
}
