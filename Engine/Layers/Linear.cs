using TinyMllm.Kernels.Elementwise;
using TinyMllm.Kernels.Quantization;

namespace TinyMllm.Engine;

/// <summary>
/// y = x·Wᵀ + b for every row of x. W is stored as in GGUF: [inputs, outputs] with the inputs contiguous. Several matrices that read the
/// same input can be fused into one layer whose outputs stand side by side (q, k, v; gate, up): one pass over x and one barrier.
/// </summary>
public sealed unsafe class Linear : IDisposable
{
    private readonly NativeBuffer<float> _weights;
    private readonly NativeBuffer<float>? _bias;

    private Linear(int inputs, int outputs, NativeBuffer<float> weights, NativeBuffer<float>? bias)
    {
        (Inputs, Outputs, _weights, _bias) = (inputs, outputs, weights, bias);
    }

    /// <summary>Columns of the input.</summary>
    public int Inputs { get; }

    /// <summary>Columns of the output, over all fused matrices.</summary>
    public int Outputs { get; }

    /// <summary>A layer of one matrix.</summary>
    /// <param name="options">How to hold the weights.</param>
    /// <param name="weight">[inputs, outputs]; higher dimensions count as more outputs.</param>
    /// <param name="bias">[outputs], any float type, or null.</param>
    public static Linear Create(WeightOptions options, StoredTensor weight, StoredTensor? bias = null) => Fuse(options, (weight, bias));

    /// <summary>A layer of several matrices with the same number of inputs; their outputs follow each other in the given order.</summary>
    /// <exception cref="ArgumentException">The matrices differ in their inputs, or a bias does not fit its matrix.</exception>
    public static Linear Fuse(WeightOptions options, params ReadOnlySpan<(StoredTensor Weight, StoredTensor? Bias)> parts)
    {
        int inputs = parts[0].Weight.Columns;
        int outputs = 0;
        bool biased = false;
        foreach (var (weight, bias) in parts)
        {
            if (weight.Columns != inputs)
                throw new ArgumentException($"{weight.Name} has {weight.Columns} inputs, {parts[0].Weight.Name} has {inputs}");
            if (bias is not null && bias.ElementCount != weight.Rows)
                throw new ArgumentException($"{bias.Name} has {bias.ElementCount} values, {weight.Name} has {weight.Rows} outputs");
            outputs += weight.Rows;
            biased |= bias is not null;
        }

        var weights = new NativeBuffer<float>((long)inputs * outputs);
        var biases = biased ? new NativeBuffer<float>(outputs, clear: true) : null;
        int row = 0;
        foreach (var (weight, bias) in parts)
        {
            for (int r = 0; r < weight.Rows; r++, row++)
            {
                TensorCodec.Decode(weight.Type, new ReadOnlySpan<byte>(weight.Data + (r * weight.RowBytes), checked((int)weight.RowBytes)),
                    new Span<float>(weights.Pointer + ((long)row * inputs), inputs));
            }

            bias?.DecodeTo(new Span<float>(biases!.Pointer + row - weight.Rows, weight.Rows));
        }

        return new Linear(inputs, outputs, weights, biases);
    }

    /// <summary>y = x·Wᵀ + b.</summary>
    /// <param name="workspace">Threads and scratch.</param>
    /// <param name="x">[tokens, <see cref="Inputs"/>].</param>
    /// <param name="y">[tokens, <see cref="Outputs"/>]; must not overlap x.</param>
    public void Forward(Workspace workspace, Matrix x, Matrix y) => Run(workspace, x, y, add: false);

    /// <summary>y += x·Wᵀ + b: the product and the residual sum in one pass.</summary>
    public void ForwardAdd(Workspace workspace, Matrix x, Matrix y) => Run(workspace, x, y, add: true);

    /// <summary>Frees the weights.</summary>
    public void Dispose()
    {
        _weights.Dispose();
        _bias?.Dispose();
    }

    private void Run(Workspace workspace, Matrix x, Matrix y, bool add)
    {
        if (x.Columns != Inputs || y.Columns != Outputs || x.Rows != y.Rows)
            throw new ArgumentException($"a {Inputs}→{Outputs} layer cannot map {x.Rows}×{x.Columns} to {y.Rows}×{y.Columns}");
        const int chunk = 32;
        var body = new Body { X = x, Y = y, Weights = _weights.Pointer, Bias = _bias is null ? null : _bias.Pointer, Chunk = chunk, Add = add };
        workspace.Pool.For((Outputs + chunk - 1) / chunk, ref body);
    }

    private struct Body : IParallelBody
    {
        public Matrix X, Y;
        public float* Weights, Bias;
        public int Chunk;
        public bool Add;

        public readonly void Run(int index)
        {
            int end = Math.Min(Y.Columns, (index + 1) * Chunk);
            for (int t = 0; t < X.Rows; t++)
            {
                for (int o = index * Chunk; o < end; o++)
                {
                    float sum = VectorKernels.Dot(Weights + ((long)o * X.Columns), X.Row(t), X.Columns);
                    if (Bias != null) sum += Bias[o];
                    Y.Row(t)[o] = Add ? Y.Row(t)[o] + sum : sum;
                }
            }
        }
    }
}
