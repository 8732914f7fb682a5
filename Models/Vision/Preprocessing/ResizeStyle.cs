using TinyMllm.Loaders.Images;

namespace TinyMllm.Vision.Preprocessing;

/// <summary>The resampling filter (Kernels/Resampling).</summary>
public enum Interpolation
{
    /// <summary>Corner-aligned, truncating, no antialiasing.</summary>
    Bilinear,

    /// <summary>Cubic through four neighbours, no half-pixel shift, no antialiasing.</summary>
    Bicubic,

    /// <summary>Pillow's antialiased bicubic.</summary>
    Pillow,
}

/// <summary>What happens to the aspect ratio.</summary>
public enum Fitting
{
    /// <summary>The picture is stretched to the wanted size.</summary>
    Stretch,

    /// <summary>The aspect ratio is kept, sides rounded up; the rest is filled and the picture stands in the middle.</summary>
    Pad,

    /// <summary>As <see cref="Pad"/> with sides and offsets rounded to the nearest.</summary>
    PadNearest,
}

/// <summary>How a picture is brought to a size.</summary>
/// <param name="Interpolation">Filter.</param>
/// <param name="Fitting">Stretch or pad.</param>
/// <param name="Fill">Colour of the padding.</param>
public readonly record struct ResizeStyle(Interpolation Interpolation, Fitting Fitting, RgbColor Fill = default);
