using TinyMllm.Kernels.Elementwise;

namespace TinyMllm.Engine;

/// <summary>RMSNorm over each row: y = x / √(mean(x²) + ε) ⊙ w.</summary>
public sealed unsafe class RmsNorm : INorm
{
    private readonly FloatWeights? _weight;

    /// <summary>Creates the layer; <paramref name="weight"/> may be null (ones).</summary>
    public RmsNorm(StoredTensor? weight, float epsilon)
        : this(epsilon, weight is null ? null : FloatWeights.Read(weight))
    {
    }

    /// <summary>Creates the layer over weights that somebody else loads.</summary>
    internal RmsNorm(float epsilon, FloatWeights? weight = null) => (Epsilon, _weight) = (epsilon, weight);

    /// <summary>ε.</summary>
    public float Epsilon { get; }

    /// <summary>Normalises every row; <paramref name="y"/> may be <paramref name="x"/>.</summary>
    public void Forward(Workspace workspace, Matrix x, Matrix y) => NormBody.Run(workspace, x, y, x.Columns, _weight, null, Epsilon, rms: true);

    /// <summary>
    /// Normalises each head on its own: a row is <c>Columns / headSize</c> heads of <paramref name="headSize"/> values. A weight of
    /// headSize values serves all heads; one of Columns values has a part for each.
    /// </summary>
    public void ForwardHeads(Workspace workspace, Matrix x, Matrix y, int headSize) =>
        NormBody.Run(workspace, x, y, headSize, _weight, null, Epsilon, rms: true);

    /// <summary>Frees the weight.</summary>
    public void Dispose() => _weight?.Dispose();
}

/// <summary>LayerNorm over each row: y = (x − μ) / √(σ² + ε) ⊙ w + b.</summary>
public sealed unsafe class LayerNorm : INorm
{
    private readonly FloatWeights? _weight;
    private readonly FloatWeights? _bias;

    /// <summary>Creates the layer; weight and bias may be null (ones, zeros).</summary>
    public LayerNorm(StoredTensor? weight, StoredTensor? bias, float epsilon)
        : this(epsilon, weight is null ? null : FloatWeights.Read(weight), bias is null ? null : FloatWeights.Read(bias))
    {
    }

    /// <summary>Creates the layer over weights that somebody else loads.</summary>
    internal LayerNorm(float epsilon, FloatWeights? weight, FloatWeights? bias) => (Epsilon, _weight, _bias) = (epsilon, weight, bias);

    /// <summary>ε.</summary>
    public float Epsilon { get; }

    /// <summary>Normalises every row; <paramref name="y"/> may be <paramref name="x"/>.</summary>
    public void Forward(Workspace workspace, Matrix x, Matrix y) => NormBody.Run(workspace, x, y, x.Columns, _weight, _bias, Epsilon, rms: false);

    /// <summary>Normalises each head on its own, see <see cref="RmsNorm.ForwardHeads"/>.</summary>
    public void ForwardHeads(Workspace workspace, Matrix x, Matrix y, int headSize) =>
        NormBody.Run(workspace, x, y, headSize, _weight, _bias, Epsilon, rms: false);

    /// <summary>Frees weight and bias.</summary>
    public void Dispose()
    {
        _weight?.Dispose();
        _bias?.Dispose();
    }
}

/// <summary>The row loop that both norms share.</summary>
internal unsafe struct NormBody : IParallelBody
{
    private const int RowsPerTask = 16;

    private Matrix _x, _y;
    private float* _weight, _bias;
    private int _width, _weightLength;
    private float _epsilon;
    private bool _rms;

    public static void Run(Workspace workspace, Matrix x, Matrix y, int width, FloatWeights? weight, FloatWeights? bias, float epsilon, bool rms)
    {
        if (x.Rows != y.Rows || x.Columns != y.Columns || width == 0 || x.Columns % width != 0)
            throw new ArgumentException($"cannot normalise {x.Rows}×{x.Columns} in groups of {width} into {y.Rows}×{y.Columns}");
        long length = weight?.Length ?? width;
        if (length != width && length != x.Columns)
            throw new ArgumentException($"a norm weight of {length} values does not fit groups of {width} in rows of {x.Columns}");
        var body = new NormBody
        {
            _x = x, _y = y, _width = width, _weightLength = (int)length, _epsilon = epsilon, _rms = rms,
            _weight = weight is null ? null : weight.Pointer, _bias = bias is null ? null : bias.Pointer,
        };
        workspace.Pool.For((x.Rows + RowsPerTask - 1) / RowsPerTask, ref body);
    }

    public readonly void Run(int index)
    {
        int end = Math.Min(_x.Rows, (index + 1) * RowsPerTask);
        for (int row = index * RowsPerTask; row < end; row++)
        {
            for (int i = 0; i < _x.Columns; i += _width)
            {
                int part = _weightLength == _width ? 0 : i;
                float* weight = _weight == null ? null : _weight + part;
                if (_rms) NormalizationKernels.RmsNorm(_x.Row(row) + i, weight, _y.Row(row) + i, _width, _epsilon);
                else NormalizationKernels.LayerNorm(_x.Row(row) + i, weight, _bias == null ? null : _bias + part, _y.Row(row) + i, _width, _epsilon);
            }
        }
    }
}
