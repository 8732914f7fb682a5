using TinyMllm.Kernels.Elementwise;

namespace TinyMllm.Engine;

/// <summary>
/// What makes a row of a layer's input, done by the layer itself just before it reads the row: the row is still in the nearest cache when it is quantised, and one parallel loop does both.
/// </summary>
internal interface IRowStep
{
    /// <summary>True if there is nothing to do.</summary>
    static virtual bool IsEmpty => false;

    /// <summary>Computes row <paramref name="row"/>.</summary>
    void Run(int row);
}

/// <summary>The input is there already.</summary>
internal readonly struct NoStep : IRowStep
{
    public static bool IsEmpty => true;

    public void Run(int row)
    {
    }
}

/// <summary>x = act(x).</summary>
internal readonly unsafe struct ActivationStep(Activation activation, Matrix x) : IRowStep
{
    public void Run(int row) => ActivationKernels.Apply(activation, x.Row(row), x.Row(row), x.Columns);
}

/// <summary>x = act(x) ⊙ up.</summary>
internal readonly unsafe struct GateStep(Activation activation, Matrix x, Matrix up) : IRowStep
{
    public void Run(int row) => ActivationKernels.ApplyGated(activation, x.Row(row), up.Row(row), x.Row(row), x.Columns);
}
