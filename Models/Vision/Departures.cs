namespace TinyMllm.Vision;

/// <summary>The single places in which llama.cpp departs; docs/fidelity.md lists what each changes.</summary>
[Flags]
internal enum Departures
{
    None = 0,

    /// <summary>
    /// The class token stands after the patches, so that every patch gets its neighbour's position (CLIP towers, InternVL, CogVLM).
    /// </summary>
    ClassTokenLast = 1 << 0,

    /// <summary>LLaVA-type files run one block less than they store.</summary>
    SkipLastBlock = 1 << 1,

    /// <summary>LLaVA-1.6 emits the overview after the tiles.</summary>
    OverviewLast = 1 << 2,

    /// <summary>The Qwen mergers use tanh-GELU where the original has erf-GELU.</summary>
    TanhGeluMerger = 1 << 3,

    /// <summary>Qwen3-VL's position table is resampled with an antialiased filter, not corner-aligned.</summary>
    AntialiasedPositions = 1 << 4,

    /// <summary>LFM2-VL announces a thumbnail even for pictures without tiles.</summary>
    ThumbnailAlways = 1 << 5,

    /// <summary>Pictures are resized by point sampling instead of Pillow's antialiased filter.</summary>
    PointResampling = 1 << 6,

    /// <summary>Sizes and tiles are llama.cpp's: single precision, halves away from zero, other decisions on tiles.</summary>
    Sizes = 1 << 7,

    All = (1 << 8) - 1,
}
