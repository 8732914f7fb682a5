namespace TinyMllm.Engine.Sampling;

/// <summary>The stages whose order in the chain can be chosen.</summary>
public enum SamplerStageKind
{
    /// <summary>Repetition, frequency and presence penalties (code <c>e</c>).</summary>
    Penalties,

    /// <summary>"Don't repeat yourself": penalises tokens that would prolong a repeated run (code <c>d</c>).</summary>
    Dry,

    /// <summary>Cuts logits further than n standard deviations below the best (code <c>s</c>).</summary>
    TopNSigma,

    /// <summary>Keeps the k best (code <c>k</c>).</summary>
    TopK,

    /// <summary>Locally typical sampling (code <c>y</c>).</summary>
    Typical,

    /// <summary>Nucleus sampling (code <c>p</c>).</summary>
    TopP,

    /// <summary>Keeps what is at least a share as likely as the best (code <c>m</c>).</summary>
    MinP,

    /// <summary>"Exclude top choices" (code <c>x</c>).</summary>
    Xtc,

    /// <summary>Temperature, fixed or by entropy (code <c>t</c>).</summary>
    Temperature,

    /// <summary>Adaptive-p, which then also makes the final draw (code <c>a</c>).</summary>
    AdaptiveP,
}

/// <summary>Reading and writing of stage orders as one-letter codes.</summary>
public static class SamplerOrder
{
    private const string Codes = "edskypmxta";

    /// <summary>Penalties, DRY, top-n-sigma, top-k, typical, top-p, min-p, XTC, temperature.</summary>
    public static IReadOnlyList<SamplerStageKind> Default { get; } = Parse("edskypmxt");

    /// <summary>Reads codes such as <c>edskypmxt</c>.</summary>
    /// <exception cref="ArgumentException">A letter is no code, or comes twice.</exception>
    public static IReadOnlyList<SamplerStageKind> Parse(string codes)
    {
        ArgumentNullException.ThrowIfNull(codes);
        var order = new SamplerStageKind[codes.Length];
        for (int i = 0; i < codes.Length; i++)
        {
            int kind = Codes.IndexOf(codes[i]);
            if (kind < 0) throw new ArgumentException($"sampler order: '{codes[i]}' is none of the codes \"{Codes}\"", nameof(codes));
            if (codes.IndexOf(codes[i]) != i) throw new ArgumentException($"sampler order: '{codes[i]}' comes twice", nameof(codes));
            order[i] = (SamplerStageKind)kind;
        }

        return order;
    }

    /// <summary>Writes an order as codes.</summary>
    public static string Format(IEnumerable<SamplerStageKind> order) => string.Concat(order.Select(kind => Codes[(int)kind]));
}
