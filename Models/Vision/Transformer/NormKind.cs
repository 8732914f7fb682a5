namespace TinyMllm.Vision.Transformer;

/// <summary>Which norm an encoder uses.</summary>
internal enum NormKind
{
    /// <summary>Mean and variance.</summary>
    Layer,

    /// <summary>Root mean square.</summary>
    Rms,
}
