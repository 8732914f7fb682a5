using TinyMllm.Kernels.MatMul;

namespace TinyMllm.Engine;

/// <summary>
/// The input of one or more matrix products in the forms that their kernels want: floats, signed bytes with scales, and the
/// compensations and sums that go with a weight format. Each form is made once, when the first kernel asks, in scratch of the enclosing frame.
/// </summary>
/// <typeparam name="TStep">What makes a row of the input before it is read.</typeparam>
internal unsafe ref struct LayerInput<TStep>
    where TStep : struct, IRowStep
{
    private const int RowsPerTask = 8;

    private readonly Workspace _workspace;
    private readonly Matrix _x;
    private readonly TStep _step;
    private bool _isMade;
    private QuantizedRows _quantized;
    private bool _isQuantized;
    private PanelKernel? _compensationsOf;
    private int* _compensations;
    private float* _scaledSums;
    private int _scaledSumsBlock;

    public LayerInput(Workspace workspace, Matrix x, TStep step)
    {
        _workspace = workspace;
        _x = x;
        _step = step;
        _isMade = TStep.IsEmpty;
    }

    /// <summary>Makes the rows, if no kernel asked for them as bytes.</summary>
    public void Finish()
    {
        if (_isMade) return;
        var body = new StepBody { Step = _step, Rows = _x.Rows };
        _workspace.Pool.For((_x.Rows + RowsPerTask - 1) / RowsPerTask, ref body);
        _isMade = true;
    }

    /// <summary>Fills in what <paramref name="kernel"/> reads beside the floats.</summary>
    public void Provide(PanelKernel kernel, ref PanelArguments arguments)
    {
        if (!kernel.IsInteger) return;
        if (!_isQuantized) Quantize();
        arguments.Quantized = _quantized;
        arguments.Compensations = Compensations(kernel);
        if (kernel.HasOffset) arguments.ScaledSums = ScaledSums(kernel.BlockLength);
    }

    private void Quantize()
    {
        _quantized = QuantizedRows.Attach(_workspace.Rent<byte>(QuantizedRows.ByteCount(_x.Rows, _x.Columns)), _x.Rows, _x.Columns);
        var body = new QuantizeBody { Step = _step, X = _x, Target = _quantized };
        _workspace.Pool.For((_x.Rows + RowsPerTask - 1) / RowsPerTask, ref body);
        _isQuantized = _isMade = true;
    }

    private int* Compensations(PanelKernel kernel)
    {
        if (_compensationsOf is { } same && same.ZeroPoint == kernel.ZeroPoint && same.PairedSums == kernel.PairedSums && same.BlockLength == kernel.BlockLength) return _compensations;
        _compensations = _workspace.Rent<int>((long)_x.Rows * (_x.Columns / kernel.BlockLength));
        ActivationQuantizer.Compensate(_quantized, kernel.ZeroPoint, kernel.PairedSums, kernel.BlockLength, _compensations);
        _compensationsOf = kernel;
        return _compensations;
    }

    private float* ScaledSums(int blockLength)
    {
        if (_scaledSumsBlock == blockLength) return _scaledSums;
        _scaledSums = _workspace.Rent<float>((long)_x.Rows * (_x.Columns / blockLength));
        ActivationQuantizer.ScaledSums(_quantized, blockLength, _scaledSums);
        _scaledSumsBlock = blockLength;
        return _scaledSums;
    }

    private struct StepBody : IParallelBody
    {
        public TStep Step;
        public int Rows;

        public readonly void Run(int index)
        {
            int end = Math.Min(Rows, (index + 1) * RowsPerTask);
            for (int row = index * RowsPerTask; row < end; row++) Step.Run(row);
        }
    }

    private struct QuantizeBody : IParallelBody
    {
        public TStep Step;
        public Matrix X;
        public QuantizedRows Target;

        public readonly void Run(int index)
        {
            int end = Math.Min(X.Rows, (index + 1) * RowsPerTask);
            for (int row = index * RowsPerTask; row < end; row++)
            {
                Step.Run(row);
                ActivationQuantizer.QuantizeRow(X.Row(row), Target, row);
            }
        }
    }
}
