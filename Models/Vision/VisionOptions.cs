using TinyMllm.Engine;

namespace TinyMllm.Vision;

/// <summary>How a vision model is loaded and how pictures are prepared for it.</summary>
public sealed record VisionOptions
{
    /// <summary>The defaults.</summary>
    public static VisionOptions Default { get; } = new();

    /// <summary>How matrices are held and multiplied.</summary>
    public WeightOptions Weights { get; init; } = WeightOptions.Default;

    /// <summary>Whose arithmetic is followed where llama.cpp departs from the original model.</summary>
    public Compatibility Compatibility { get; init; } = Compatibility.Original;

    /// <summary>
    /// Cuts large pictures into tiles where the family does so; false encodes the overview alone: fewer tokens, less detail.
    /// </summary>
    public bool Tiles { get; init; } = true;

    /// <summary>
    /// Fewest tokens per picture for families of dynamic resolution; null: the family's limit. Small pictures are enlarged to reach it.
    /// </summary>
    public int? MinImageTokens { get; init; }

    /// <summary>
    /// Most tokens per picture for families of dynamic resolution; null: the family's limit. Large pictures are reduced to keep it.
    /// </summary>
    public int? MaxImageTokens { get; init; }

    /// <summary>
    /// Transformer blocks to run for LLaVA-type files, which do not say it; null: all stored blocks (see docs/fidelity.md).
    /// </summary>
    public int? BlockCount { get; init; }

    /// <summary>Tests follow single quirks; null: those that <see cref="Compatibility"/> stands for.</summary>
    internal Quirks? QuirkOverride { get; init; }

    /// <summary>Whether to compute as llama.cpp does in this place.</summary>
    internal bool Follows(Quirks quirk) => ((QuirkOverride ?? Compatibility.Quirks()) & quirk) != 0;
}
