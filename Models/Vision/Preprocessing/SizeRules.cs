namespace TinyMllm.Vision.Preprocessing;

/// <summary>
/// The rules by which families choose the size a picture is resized to (shared/spec/vision-models.md, 4.3). All arithmetic is in float32 on
/// purpose: a rounding step more or less changes the number of tiles (3000·(2048/4000) is 1536.0001 here, and so one tile more).
/// </summary>
internal static class SizeRules
{
    /// <summary>
    /// "Smart resize": both sides become multiples of <paramref name="alignment"/>, nearest to the original,
    /// unless the area leaves [<paramref name="minPixels"/>, <paramref name="maxPixels"/>].
    /// </summary>
    public static PixelSize Smart(PixelSize image, int alignment, long minPixels, long maxPixels)
    {
        float width = image.Width, height = image.Height;
        long w = Math.Max(alignment, Round(width / alignment) * alignment);
        long h = Math.Max(alignment, Round(height / alignment) * alignment);
        if (w * h > maxPixels)
        {
            float shrink = MathF.Sqrt(width * height / maxPixels);
            w = Math.Max(alignment, (long)MathF.Floor(width / shrink / alignment) * alignment);
            h = Math.Max(alignment, (long)MathF.Floor(height / shrink / alignment) * alignment);
        }
        else if (w * h < minPixels)
        {
            float grow = MathF.Sqrt(minPixels / (width * height));
            w = (long)MathF.Ceiling(width * grow / alignment) * alignment;
            h = (long)MathF.Ceiling(height * grow / alignment) * alignment;
        }

        return new PixelSize(checked((int)w), checked((int)h));
    }

    /// <summary>
    /// The longer side becomes <paramref name="edge"/> (small pictures are enlarged), then both sides are rounded up to multiples.
    /// </summary>
    public static PixelSize LongestEdge(PixelSize image, int alignment, int edge)
    {
        if (edge <= 0) return default;
        float scale = Math.Min(edge / (float)image.Width, edge / (float)image.Height);
        return new PixelSize(Up(image.Width * scale), Up(image.Height * scale));

        int Up(float side) => (int)MathF.Ceiling(side / alignment) * alignment;
    }

    /// <summary>
    /// LLaVA-UHD: sides divisible by <paramref name="alignment"/>, and about <paramref name="side"/>² pixels if the picture has more (or
    /// always).
    /// </summary>
    public static PixelSize BestResize(PixelSize image, int side, int alignment, bool always)
    {
        (int width, int height) = (image.Width, image.Height);
        if (always || image.Area > (long)side * side)
        {
            float ratio = (float)width / height;
            height = (int)(side / MathF.Sqrt(ratio));
            width = (int)(height * ratio);
        }

        return new PixelSize(Nearest(width, alignment), Nearest(height, alignment));
    }

    /// <summary>The multiple of <paramref name="alignment"/> nearest to <paramref name="side"/>, at least one.</summary>
    public static int Nearest(int side, int alignment) => Math.Max((int)Round((float)side / alignment) * alignment, alignment);

    /// <summary>
    /// The grid whose shape is nearest to the picture's; on a tie a later (larger) one wins if the picture would fill more than half of it.
    /// </summary>
    public static TileGrid NearestShape(PixelSize image, int tile, int minTiles, int maxTiles)
    {
        TileGrid best = new(1, 1);
        float bestDifference = float.PositiveInfinity;
        float shape = (float)image.Width / image.Height;
        for (int count = minTiles; count <= maxTiles; count++)
        {
            for (int columns = 1; columns <= count; columns++)
            {
                if (count % columns != 0) continue;
                TileGrid grid = new(columns, count / columns);
                float difference = MathF.Abs(shape - (float)grid.Columns / grid.Rows);
                bool tieAndFilled = difference == bestDifference && image.Area > 0.5f * tile * tile * grid.Count;
                if (difference >= bestDifference && !tieAndFilled) continue;
                (best, bestDifference) = (grid, difference);
            }
        }

        return best;
    }

    private static long Round(float value) => (long)MathF.Round(value, MidpointRounding.AwayFromZero);
}
