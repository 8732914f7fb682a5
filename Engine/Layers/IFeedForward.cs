namespace TinyMllm.Engine;

/// <summary>The part of a transformer block that works on each token by itself: an MLP, gated or not, or a mixture of them.</summary>
public interface IFeedForward : IDisposable
{
    /// <summary>y = f(x), or y += f(x) if <paramref name="add"/>.</summary>
    /// <param name="workspace">Threads and scratch.</param>
    /// <param name="x">One row per token.</param>
    /// <param name="y">One row per token; must not overlap x.</param>
    /// <param name="add">Whether the result is added to what y holds (the residual stream).</param>
    void Forward(Workspace workspace, Matrix x, Matrix y, bool add);
}
