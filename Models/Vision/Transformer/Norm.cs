using TinyMllm.Engine;

namespace TinyMllm.Vision.Transformer;

/// <summary>Which norm an encoder uses.</summary>
internal enum NormKind
{
    /// <summary>Mean and variance.</summary>
    Layer,

    /// <summary>Root mean square.</summary>
    Rms,
}

/// <summary>A <see cref="LayerNorm"/> or an <see cref="RmsNorm"/>, as the family has it.</summary>
internal sealed class Norm : IDisposable
{
    private readonly LayerNorm? _layer;
    private readonly RmsNorm? _rms;

    public Norm(NormKind kind, StoredTensor? weight, StoredTensor? bias, float epsilon)
    {
        if (kind == NormKind.Layer) _layer = new LayerNorm(weight, bias, epsilon);
        else _rms = new RmsNorm(weight, epsilon);
    }

    /// <summary>Normalises every row; <paramref name="y"/> may be <paramref name="x"/>.</summary>
    public void Forward(Workspace workspace, Matrix x, Matrix y)
    {
        if (_layer is not null) _layer.Forward(workspace, x, y);
        else _rms!.Forward(workspace, x, y);
    }

    /// <summary>Normalises every group of <paramref name="width"/> features by itself.</summary>
    public void ForwardHeads(Workspace workspace, Matrix x, Matrix y, int width)
    {
        if (_layer is not null) _layer.ForwardHeads(workspace, x, y, width);
        else _rms!.ForwardHeads(workspace, x, y, width);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _layer?.Dispose();
        _rms?.Dispose();
    }
}
