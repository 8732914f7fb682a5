namespace TinyMllm.Vision.Preprocessing;

/// <summary>One square picture of a fixed side.</summary>
internal sealed record FixedSquare(int Side, ResizeStyle Style) : Preprocessor(Style, Style)
{
    /// <inheritdoc/>
    public override ImagePlan Plan(PixelSize image) => new(new PixelSize(Side, Side));
}

/// <summary>One picture, as large as it is within limits of area, sides multiples of <paramref name="Alignment"/> pixels.</summary>
internal sealed record DynamicSize(int Alignment, long MinPixels, long MaxPixels, ResizeStyle Style, SizeRules Rules) : Preprocessor(Style, Style)
{
    /// <inheritdoc/>
    public override ImagePlan Plan(PixelSize image) => new(Rules.Smart(image, Alignment, MinPixels, MaxPixels));
}

/// <summary>
/// One picture whose longer side is <paramref name="Edge"/> pixels, sides multiples of <paramref name="Alignment"/>: what llama.cpp makes
/// of <see cref="WithinEdge"/>.
/// </summary>
internal sealed record LongestEdge(int Alignment, int Edge, ResizeStyle Style, SizeRules Rules) : Preprocessor(Style, Style)
{
    /// <inheritdoc/>
    public override ImagePlan Plan(PixelSize image) => new(Rules.LongestEdge(image, Alignment, Edge));
}

/// <summary>
/// Pixtral's and LightOnOCR's own processor: a side longer than <paramref name="Edge"/> pixels is reduced to it, small pictures stay as they
/// are, then both sides are rounded up to multiples of <paramref name="Alignment"/>. Above <paramref name="MaxPixels"/> the picture is
/// reduced further.
/// </summary>
internal sealed record WithinEdge(int Alignment, int Edge, long MaxPixels, ResizeStyle Style) : Preprocessor(Style, Style)
{
    /// <inheritdoc/>
    public override ImagePlan Plan(PixelSize image)
    {
        double ratio = Math.Max((double)image.Height / Edge, (double)image.Width / Edge);
        PixelSize reduced = ratio > 1 ? new(Side(image.Width / ratio), Side(image.Height / ratio)) : image;
        PixelSize size = new(Up(reduced.Width), Up(reduced.Height));
        return new(size.Area <= MaxPixels ? size : SizeRules.Original.Smart(reduced, Alignment, 0, MaxPixels));

        int Side(double side) => Math.Max(1, (int)Math.Round(side, MidpointRounding.ToEven));
        int Up(int side) => (side + Alignment - 1) / Alignment * Alignment;
    }
}

/// <summary>
/// Kimi-VL's own processor: a picture of up to <paramref name="MaxPatches"/> whole patches stays as it is, a larger one is reduced to that;
/// black on the right and below makes the sides multiples of <paramref name="Alignment"/>.
/// </summary>
internal sealed record PaddedToBlocks(int Patch, int Alignment, long MaxPatches, ResizeStyle Style) : Preprocessor(Style, Style)
{
    /// <inheritdoc/>
    public override ImagePlan Plan(PixelSize image)
    {
        long patches = (long)(image.Width / Patch) * (image.Height / Patch);
        double scale = patches > MaxPatches ? Math.Sqrt((double)MaxPatches / patches) : 1;
        PixelSize content = new(Math.Max(1, (int)(image.Width * scale)), Math.Max(1, (int)(image.Height * scale)));
        return new(new PixelSize(Up(content.Width), Up(content.Height))) { Content = content };

        int Up(int side) => (side + Alignment - 1) / Alignment * Alignment;
    }
}

/// <summary>DeepSeek-OCR: one square page of that side whose area is nearest to the picture's; the first side wins ties.</summary>
internal sealed record NearestSquare(IReadOnlyList<int> Sides, ResizeStyle Style) : Preprocessor(Style, Style)
{
    /// <inheritdoc/>
    public override ImagePlan Plan(PixelSize image)
    {
        int side = Sides.MinBy(side => Math.Abs(image.Area - (long)side * side));
        return new(new PixelSize(side, side));
    }
}
