namespace TinyMllm.Kernels.MatMul;

/// <summary>
/// One product y = x·Wᵀ (+ b) with W in panels of 16 rows: everything a kernel needs, by pointer, so that any thread can do any panel.
/// </summary>
public unsafe struct PanelArguments
{
    /// <summary>Panel p starts at p · <see cref="PanelBytes"/>.</summary>
    public byte* Weights;

    /// <summary>Bytes of a panel.</summary>
    public long PanelBytes;

    /// <summary>Inputs (k).</summary>
    public int Inputs;

    /// <summary>Outputs (rows of W); the last panel may be partly empty.</summary>
    public int Outputs;

    /// <summary>Rows of x and y.</summary>
    public int Rows;

    /// <summary>Quantised x, for integer kernels.</summary>
    public QuantizedRows Quantized;

    /// <summary>[Rows, blocks]: what takes the zero point off the integer sums, which start from it; see <see cref="ActivationQuantizer.Compensate"/>.</summary>
    public int* Compensations;

    /// <summary>[Rows, blocks]: what offsets are multiplied by; see <see cref="ActivationQuantizer.ScaledSums"/>.</summary>
    public float* ScaledSums;

    /// <summary>x itself, for float kernels.</summary>
    public float* X;

    /// <summary>Floats from one row of <see cref="X"/> to the next.</summary>
    public int XStride;

    /// <summary>Outputs; row r of output o is Y[r · YStride + o].</summary>
    public float* Y;

    /// <summary>Floats from one row of <see cref="Y"/> to the next.</summary>
    public int YStride;

    /// <summary>Null or one float per output, padded to whole panels.</summary>
    public float* Bias;

    /// <summary>True to add to Y instead of overwriting it.</summary>
    public bool Accumulate;
}
