using TinyMllm.Kernels.Elementwise;

namespace TinyMllm.Engine;

/// <summary>A normalisation followed by a bias: Phi-3.5-MoE's RMSNorm has one.</summary>
/// <param name="norm">The normalisation, which is taken over.</param>
/// <param name="bias">One value per feature.</param>
internal sealed unsafe class ShiftedNorm(INorm norm, FloatWeights bias) : INorm
{
    /// <inheritdoc/>
    public void Forward(Workspace workspace, Matrix x, Matrix y)
    {
        norm.Forward(workspace, x, y);
        Shift(y, y.Columns);
    }

    /// <inheritdoc/>
    public void ForwardHeads(Workspace workspace, Matrix x, Matrix y, int headSize)
    {
        norm.ForwardHeads(workspace, x, y, headSize);
        Shift(y, headSize);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        norm.Dispose();
        bias.Dispose();
    }

    private void Shift(Matrix y, int width)
    {
        for (int i = 0; i < y.Rows; i++)
            for (int j = 0; j < y.Columns; j += width) VectorKernels.AddScaled(bias.Pointer, 1, y.Row(i) + j, width);
    }
}
