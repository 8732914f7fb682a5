namespace TinyMllm.Engine;

/// <summary>
/// A normalisation over the features of each row: <see cref="RmsNorm"/> or <see cref="LayerNorm"/>, whichever a model has.
/// </summary>
public interface INorm : IDisposable
{
    /// <summary>Normalises every row; <paramref name="y"/> may be <paramref name="x"/>.</summary>
    void Forward(Workspace workspace, Matrix x, Matrix y);

    /// <summary>
    /// Normalises each group of <paramref name="headSize"/> values on its own; <paramref name="y"/> may be <paramref name="x"/>.
    /// </summary>
    void ForwardHeads(Workspace workspace, Matrix x, Matrix y, int headSize);
}
