using TinyMllm.Kernels.MatMul;

namespace TinyMllm.Engine;

/// <summary>
/// The input of one or more matrix products in the forms that their kernels want: floats, signed bytes with scales, and the
/// start values and sums that go with a weight format. Each form is made once, when the first kernel asks, in scratch of the enclosing frame.
/// </summary>
internal unsafe ref struct LayerInput
{
    private const int RowsPerTask = 8;

    private readonly Workspace _workspace;
    private readonly Matrix _x;
    private QuantizedRows _quantized;
    private bool _isQuantized;
    private PanelKernel? _startsOf;
    private int* _starts;
    private float* _sums;
    private int _sumsBlock;

    public LayerInput(Workspace workspace, Matrix x)
    {
        _workspace = workspace;
        _x = x;
    }

    /// <summary>Fills in what <paramref name="kernel"/> reads beside the floats.</summary>
    public void Provide(PanelKernel kernel, ref PanelArguments arguments)
    {
        if (!kernel.IsInteger) return;
        if (!_isQuantized) Quantize();
        arguments.Quantized = _quantized;
        arguments.Starts = Starts(kernel);
        if (kernel.HasOffset) arguments.Sums = Sums(kernel.BlockLength);
    }

    private void Quantize()
    {
        _quantized = QuantizedRows.Attach(_workspace.Rent<byte>(QuantizedRows.ByteCount(_x.Rows, _x.Columns)), _x.Rows, _x.Columns);
        var body = new QuantizeBody { X = _x, Target = _quantized };
        _workspace.Pool.For((_x.Rows + RowsPerTask - 1) / RowsPerTask, ref body);
        _isQuantized = true;
    }

    private int* Starts(PanelKernel kernel)
    {
        if (_startsOf is { } same && same.Zero == kernel.Zero && same.PairedStarts == kernel.PairedStarts && same.BlockLength == kernel.BlockLength) return _starts;
        _starts = _workspace.Rent<int>((long)_x.Rows * (_x.Columns / kernel.BlockLength));
        ActivationQuantizer.StartValues(_quantized, kernel.Zero, kernel.PairedStarts, kernel.BlockLength, _starts);
        _startsOf = kernel;
        return _starts;
    }

    private float* Sums(int blockLength)
    {
        if (_sumsBlock == blockLength) return _sums;
        _sums = _workspace.Rent<float>((long)_x.Rows * (_x.Columns / blockLength));
        ActivationQuantizer.ScaledSums(_quantized, blockLength, _sums);
        _sumsBlock = blockLength;
        return _sums;
    }

    private struct QuantizeBody : IParallelBody
    {
        public Matrix X;
        public QuantizedRows Target;

        public readonly void Run(int index)
        {
            int end = Math.Min(X.Rows, (index + 1) * RowsPerTask);
            for (int row = index * RowsPerTask; row < end; row++) ActivationQuantizer.QuantizeRow(X.Row(row), Target, row);
        }
    }
}
