using TinyMllm.Kernels.Elementwise;

namespace TinyMllm.Engine;

/// <summary>
/// Gated feed-forward network (GLU variants, arXiv:2002.05202): down·(act(gate·x) ⊙ up·x). SwiGLU with <see cref="Activation.Silu"/>,
/// GeGLU with <see cref="Activation.GeluTanh"/>.
/// </summary>
public sealed class GatedMlp : IFeedForward
{
    private readonly Linear _gateUp;
    private readonly Linear _down;
    private readonly Activation _activation;
    private readonly int _width;

    /// <summary>Takes over the layers.</summary>
    /// <param name="gateUp">Gate and up side by side, gate first: n → 2f.</param>
    /// <param name="down">f → n.</param>
    /// <param name="activation">Function of the gate.</param>
    public GatedMlp(Linear gateUp, Linear down, Activation activation)
    {
        if (gateUp.Outputs != 2 * down.Inputs)
            throw new ArgumentException($"gate and up have {gateUp.Outputs} outputs, down has {down.Inputs} inputs");
        (_gateUp, _down, _activation, _width) = (gateUp, down, activation, down.Inputs);
    }

    /// <summary>Columns of the result.</summary>
    public int Outputs => _down.Outputs;

    /// <inheritdoc/>
    public void Forward(Workspace workspace, Matrix x, Matrix y, bool add)
    {
        using (workspace.Frame())
        {
            var inner = workspace.Rent(x.Rows, _gateUp.Outputs);
            _gateUp.Forward(workspace, x, inner);
            var gate = inner.SliceColumns(0, _width);
            _down.Forward(workspace, gate, y, add, new GateStep(_activation, gate, inner.SliceColumns(_width, _width)));
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _gateUp.Dispose();
        _down.Dispose();
    }
}
