namespace TinyMllm.Vision.Preprocessing;

/// <summary>One square picture of a fixed side.</summary>
internal sealed record FixedSquare(int Side, ResizeStyle Style) : Preprocessor(Style, Style)
{
    /// <inheritdoc/>
    public override ImagePlan Plan(PixelSize image) => new(new PixelSize(Side, Side));
}

/// <summary>One picture, as large as it is within limits of area, sides multiples of <paramref name="Alignment"/> pixels.</summary>
internal sealed record DynamicSize(int Alignment, long MinPixels, long MaxPixels, ResizeStyle Style) : Preprocessor(Style, Style)
{
    /// <inheritdoc/>
    public override ImagePlan Plan(PixelSize image) => new(SizeRules.Smart(image, Alignment, MinPixels, MaxPixels));
}

/// <summary>One picture whose longer side is <paramref name="Edge"/> pixels, sides multiples of <paramref name="Alignment"/>.</summary>
internal sealed record LongestEdge(int Alignment, int Edge, ResizeStyle Style) : Preprocessor(Style, Style)
{
    /// <inheritdoc/>
    public override ImagePlan Plan(PixelSize image) => new(SizeRules.LongestEdge(image, Alignment, Edge));
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
