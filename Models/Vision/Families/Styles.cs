using TinyMllm.Loaders.Images;
using TinyMllm.Vision.Preprocessing;

namespace TinyMllm.Vision.Families;

/// <summary>The few ways in which families resize (docs/models/vision.md#styles).</summary>
internal static class Styles
{
    /// <summary>Bilinear, stretched.</summary>
    public static readonly ResizeStyle BilinearStretch = new(Interpolation.Bilinear, Fitting.Stretch);

    /// <summary>Bilinear, aspect ratio kept, black padding.</summary>
    public static readonly ResizeStyle BilinearPad = new(Interpolation.Bilinear, Fitting.Pad);

    /// <summary>Bicubic, aspect ratio kept, black padding.</summary>
    public static readonly ResizeStyle BicubicPad = new(Interpolation.Bicubic, Fitting.Pad);

    /// <summary>Bicubic, aspect ratio kept, padded with the mean colour of CLIP's training pictures.</summary>
    public static readonly ResizeStyle BicubicPadMean = new(Interpolation.Bicubic, Fitting.Pad, new RgbColor(122, 116, 104));

    /// <summary>Bilinear, aspect ratio kept, grey padding.</summary>
    public static readonly ResizeStyle BilinearPadGrey = new(Interpolation.Bilinear, Fitting.Pad, new RgbColor(127, 127, 127));

    /// <summary>Antialiased, aspect ratio kept, grey padding.</summary>
    public static readonly ResizeStyle PillowPadGrey = new(Interpolation.Pillow, Fitting.PadNearest, new RgbColor(127, 127, 127));
}
