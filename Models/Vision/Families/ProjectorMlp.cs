using TinyMllm.Engine;
using TinyMllm.Kernels.Elementwise;

namespace TinyMllm.Vision.Families;

/// <summary>The projector that most families end with: <c>W₂·act(W₁·x + b₁) + b₂</c>.</summary>
internal sealed class ProjectorMlp
{
    private readonly Linear _first, _second;
    private readonly Activation _activation;

    /// <summary>Takes the layers <paramref name="first"/> and <paramref name="second"/>.</summary>
    public ProjectorMlp(VisionWeights weights, string first, string second, int inputs, Activation activation)
    {
        _first = weights.Linear(first, inputs);
        _second = weights.Linear(second, _first.Outputs);
        _activation = activation;
    }

    /// <summary>Columns of the result.</summary>
    public int Outputs => _second.Outputs;

    /// <summary>Projects every row.</summary>
    public void Forward(Workspace workspace, Matrix x, Matrix y)
    {
        using var frame = workspace.Frame();
        Matrix hidden = Hidden(workspace, x);
        _second.Forward(workspace, hidden, y);
    }

    /// <summary>Adds the projection of every row to <paramref name="y"/>.</summary>
    public void ForwardAdd(Workspace workspace, Matrix x, Matrix y)
    {
        using var frame = workspace.Frame();
        Matrix hidden = Hidden(workspace, x);
        _second.ForwardAdd(workspace, hidden, y);
    }

    private Matrix Hidden(Workspace workspace, Matrix x)
    {
        Matrix hidden = workspace.Rent(x.Rows, _first.Outputs);
        _first.Forward(workspace, x, hidden);
        Activations.Apply(workspace, _activation, hidden, hidden);
        return hidden;
    }
}
