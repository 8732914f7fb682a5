namespace TinyMllm;

/// <summary>
/// The single places in which llama.cpp computes something else than the original models. <see cref="Compatibility.LlamaCpp"/> stands for all of them; each is applied
/// by the families that have it, or where the comment says. docs/fidelity.md says what each changes.
/// </summary>
[Flags]
internal enum Quirks
{
    None = 0,

    /// <summary>Vision: the class token stands after the patches, so that every patch gets its neighbour's position (CLIP towers, InternVL, CogVLM).</summary>
    ClassTokenLast = 1 << 0,

    /// <summary>Vision: LLaVA-type files run one block less than they store.</summary>
    SkipLastBlock = 1 << 1,

    /// <summary>Vision: LLaVA-1.6 emits the overview after the tiles.</summary>
    OverviewLast = 1 << 2,

    /// <summary>Vision: the Qwen mergers use tanh-GELU where the original has erf-GELU.</summary>
    TanhGeluMerger = 1 << 3,

    /// <summary>Vision: Qwen3-VL's position table is resampled with an antialiased filter, not corner-aligned.</summary>
    AntialiasedPositions = 1 << 4,

    /// <summary>Vision: LFM2-VL announces a thumbnail even for pictures without tiles.</summary>
    ThumbnailAlways = 1 << 5,

    /// <summary>Vision: pictures are resized by point sampling instead of Pillow's antialiased filter.</summary>
    PointResampling = 1 << 6,

    /// <summary>Vision: sizes and tiles are llama.cpp's: single precision, halves away from zero, other decisions on tiles.</summary>
    Sizes = 1 << 7,

    /// <summary>Text: CogVLM computes all rows of a batch and hands out the first ones, so that a prompt is judged by the first token of its last batch.</summary>
    FirstRowLogits = 1 << 8,

    /// <summary>Text: the norms of Qwen2-VL have ε = 0.</summary>
    NoEpsilon = 1 << 9,

    /// <summary>Text: Phi-3 looks back over everything, whatever window the file states.</summary>
    NoWindow = 1 << 10,

    /// <summary>Text: rotary pairs behind the last multimodal section turn with the fourth axis instead of with time.</summary>
    LeftoverPairsOfFourthAxis = 1 << 11,

    /// <summary>Text: the gated delta net divides queries and keys by max(‖x‖, ε) instead of √(‖x‖² + ε).</summary>
    ClampedLengths = 1 << 12,

    /// <summary>Chat: templates see <c>enable_thinking</c> as true where nobody wishes anything.</summary>
    DefinedThinking = 1 << 13,

    /// <summary>Pictures: pixels are taken as they are stored, without the orientation and the background that the file asks for.</summary>
    PicturesAsStored = 1 << 14,

    All = (1 << 15) - 1,
}

/// <summary>What <see cref="Compatibility"/> stands for.</summary>
internal static class CompatibilityExtensions
{
    /// <summary>The quirks that are followed.</summary>
    public static Quirks Quirks(this Compatibility compatibility) => compatibility == Compatibility.LlamaCpp ? TinyMllm.Quirks.All : TinyMllm.Quirks.None;

    /// <summary>Whether <paramref name="quirk"/> is followed.</summary>
    public static bool Follows(this Compatibility compatibility, Quirks quirk) => (compatibility.Quirks() & quirk) != 0;
}
