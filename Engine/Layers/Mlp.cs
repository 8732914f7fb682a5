using TinyMllm.Kernels.Elementwise;

namespace TinyMllm.Engine;

/// <summary>Plain feed-forward network: down·act(up·x + b) + b.</summary>
public sealed class Mlp : IFeedForward
{
    private readonly Linear _up;
    private readonly Linear _down;
    private readonly Activation _activation;

    /// <summary>Takes over the layers.</summary>
    /// <param name="up">n → f.</param>
    /// <param name="down">f → n.</param>
    /// <param name="activation">Function between the two.</param>
    public Mlp(Linear up, Linear down, Activation activation)
    {
        if (up.Outputs != down.Inputs) throw new ArgumentException($"up has {up.Outputs} outputs, down has {down.Inputs} inputs");
        (_up, _down, _activation) = (up, down, activation);
    }

    /// <summary>Columns of the result.</summary>
    public int Outputs => _down.Outputs;

    /// <inheritdoc/>
    public void Forward(Workspace workspace, Matrix x, Matrix y, bool add)
    {
        using (workspace.Frame())
        {
            var inner = workspace.Rent(x.Rows, _up.Outputs);
            _up.Forward(workspace, x, inner);
            _down.Forward(workspace, inner, y, add, new ActivationStep(_activation, inner));
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _up.Dispose();
        _down.Dispose();
    }
}
