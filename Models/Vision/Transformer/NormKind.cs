using TinyMllm.Engine;
using TinyMllm.Weights;

namespace TinyMllm.Vision.Transformer;

/// <summary>Which norm an encoder uses.</summary>
internal enum NormKind
{
    /// <summary>Mean and variance.</summary>
    Layer,

    /// <summary>Root mean square.</summary>
    Rms,
}

/// <summary>Norms of a kind that the family names.</summary>
internal static class NormKindExtensions
{
    /// <summary>The norm <paramref name="prefix"/> over <paramref name="width"/> features.</summary>
    public static INorm Norm(this ModelWeights weights, string prefix, int width, NormKind kind, float epsilon) =>
        kind == NormKind.Rms ? weights.RmsNorm(prefix, width, epsilon) : weights.LayerNorm(prefix, width, epsilon);

    /// <summary>The norm <paramref name="prefix"/>, or null if the file has none.</summary>
    public static INorm? OptionalNorm(this ModelWeights weights, string prefix, int width, NormKind kind, float epsilon) =>
        weights.Has(prefix + ".weight") ? weights.Norm(prefix, width, kind, epsilon) : null;
}
