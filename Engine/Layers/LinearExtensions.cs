namespace TinyMllm.Engine;

/// <summary>Small conveniences over <see cref="Linear"/>.</summary>
internal static class LinearExtensions
{
    /// <summary>y = x·Wᵀ + b, or y += x·Wᵀ + b if <paramref name="add"/>.</summary>
    public static void Forward(this Linear linear, Workspace workspace, Matrix x, Matrix y, bool add)
    {
        if (add) linear.ForwardAdd(workspace, x, y);
        else linear.Forward(workspace, x, y);
    }
}
