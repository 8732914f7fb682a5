using System.Numerics;

namespace TinyMllm.Vision.Preprocessing;

/// <summary>
/// The formulas by which families choose the size a picture is resized to (docs/models/vision.md#sizes), in two arithmetics
/// that give different sizes: a rounding step more or less changes the number of tiles.
/// </summary>
internal abstract class SizeRules
{
    /// <summary>
    /// That of the models' own processors, which are Python: double precision, and halves go to the even neighbour, so that 720 pixels on a
    /// factor of 32 are 22 and not 23 times it.
    /// </summary>
    public static SizeRules Original { get; } = new SizeRules<double>(MidpointRounding.ToEven);

    /// <summary>llama.cpp's: single precision, halves away from zero; 3000·(2048/4000) is 1536.0001, and so one tile more.</summary>
    public static SizeRules LlamaCpp { get; } = new SizeRules<float>(MidpointRounding.AwayFromZero);

    /// <summary>Whether tiles are decided on as the models' own processors do.</summary>
    public bool IsOriginal => this == Original;

    /// <summary>
    /// "Smart resize": both sides become multiples of <paramref name="alignment"/>, nearest to the original,
    /// unless the area leaves [<paramref name="minPixels"/>, <paramref name="maxPixels"/>].
    /// </summary>
    public abstract PixelSize Smart(PixelSize image, int alignment, long minPixels, long maxPixels);

    /// <summary>Both sides rounded to multiples of <paramref name="alignment"/>, at least one.</summary>
    public abstract PixelSize Aligned(PixelSize image, int alignment);

    /// <summary>
    /// The longer side becomes <paramref name="edge"/> (small pictures are enlarged), then both sides are rounded up to multiples.
    /// </summary>
    public abstract PixelSize LongestEdge(PixelSize image, int alignment, int edge);

    /// <summary>
    /// LLaVA-UHD: sides divisible by <paramref name="alignment"/>, and about <paramref name="side"/>² pixels if the picture has more (or
    /// always).
    /// </summary>
    public abstract PixelSize BestResize(PixelSize image, int side, int alignment, bool always);

    /// <summary>
    /// LLaVA-UHD: the grid whose shape is nearest to the picture's by the logarithm, among those of about as many tiles of
    /// <paramref name="side"/>² pixels as the picture has.
    /// </summary>
    public abstract TileGrid NearestLogShape(PixelSize image, int side, int maxTiles);

    /// <summary>
    /// The grid whose shape is nearest to the picture's; on a tie a later (larger) one wins if the picture would fill more than half of it.
    /// </summary>
    public abstract TileGrid NearestShape(PixelSize image, int tile, int minTiles, int maxTiles);

    /// <summary>LLaVA-1.6: out of a list of sizes the one that keeps the most of the picture, and wastes the least canvas.</summary>
    public abstract PixelSize BestCandidate(PixelSize image, IReadOnlyList<PixelSize> candidates);
}

/// <summary>The formulas in one arithmetic.</summary>
/// <param name="rounding">Where halves go.</param>
internal sealed class SizeRules<T>(MidpointRounding rounding) : SizeRules
    where T : IBinaryFloatingPointIeee754<T>
{
    private static readonly T s_half = T.CreateChecked(0.5);

    /// <inheritdoc/>
    public override PixelSize Smart(PixelSize image, int alignment, long minPixels, long maxPixels)
    {
        T width = T.CreateChecked(image.Width), height = T.CreateChecked(image.Height), step = T.CreateChecked(alignment);
        (long w, long h) = (Nearest(width, alignment), Nearest(height, alignment));
        if (w * h > maxPixels)
        {
            T shrink = T.Sqrt(width * height / T.CreateChecked(maxPixels));
            w = Math.Max(alignment, long.CreateChecked(T.Floor(width / shrink / step)) * alignment);
            h = Math.Max(alignment, long.CreateChecked(T.Floor(height / shrink / step)) * alignment);
        }
        else if (w * h < minPixels)
        {
            T grow = T.Sqrt(T.CreateChecked(minPixels) / (width * height));
            w = long.CreateChecked(T.Ceiling(width * grow / step)) * alignment;
            h = long.CreateChecked(T.Ceiling(height * grow / step)) * alignment;
        }

        return new PixelSize(checked((int)w), checked((int)h));
    }

    /// <inheritdoc/>
    public override PixelSize Aligned(PixelSize image, int alignment) =>
        new(Nearest(T.CreateChecked(image.Width), alignment), Nearest(T.CreateChecked(image.Height), alignment));

    /// <inheritdoc/>
    public override PixelSize LongestEdge(PixelSize image, int alignment, int edge)
    {
        if (edge <= 0) return default;
        T longest = T.CreateChecked(edge), width = T.CreateChecked(image.Width), height = T.CreateChecked(image.Height);
        T scale = T.Min(longest / width, longest / height), step = T.CreateChecked(alignment);
        return new PixelSize(Up(width * scale), Up(height * scale));

        int Up(T side) => int.CreateChecked(T.Ceiling(side / step)) * alignment;
    }

    /// <inheritdoc/>
    public override PixelSize BestResize(PixelSize image, int side, int alignment, bool always)
    {
        (int width, int height) = (image.Width, image.Height);
        if (always || image.Area > (long)side * side)
        {
            T ratio = T.CreateChecked(width) / T.CreateChecked(height);
            height = int.CreateTruncating(T.CreateChecked(side) / T.Sqrt(ratio));
            width = int.CreateTruncating(T.CreateChecked(height) * ratio);
        }

        return Aligned(new PixelSize(width, height), alignment);
    }

    /// <inheritdoc/>
    public override TileGrid NearestLogShape(PixelSize image, int side, int maxTiles)
    {
        T area = T.CreateChecked(image.Area) / T.CreateChecked((long)side * side);
        int multiple = int.CreateChecked(T.Min(T.Ceiling(area), T.CreateChecked(maxTiles)));
        T shape = T.Log(T.CreateChecked(image.Width) / T.CreateChecked(image.Height)), bestDifference = T.PositiveInfinity;
        TileGrid best = new(1, 1);
        foreach (TileGrid grid in Grids(Math.Max(2, multiple - 1), Math.Min(multiple + 1, maxTiles)))
        {
            T difference = T.Abs(shape - T.Log(T.CreateChecked(grid.Columns) / T.CreateChecked(grid.Rows)));
            if (difference < bestDifference) (best, bestDifference) = (grid, difference);
        }

        return best;
    }

    /// <inheritdoc/>
    public override TileGrid NearestShape(PixelSize image, int tile, int minTiles, int maxTiles)
    {
        TileGrid best = new(1, 1);
        T shape = T.CreateChecked(image.Width) / T.CreateChecked(image.Height), bestDifference = T.PositiveInfinity;
        T area = T.CreateChecked(image.Area), half = s_half * T.CreateChecked(tile) * T.CreateChecked(tile);
        foreach (TileGrid grid in Grids(minTiles, maxTiles))
        {
            T difference = T.Abs(shape - T.CreateChecked(grid.Columns) / T.CreateChecked(grid.Rows));
            bool tieAndFilled = difference == bestDifference && area > half * T.CreateChecked(grid.Count);
            if (difference < bestDifference || tieAndFilled) (best, bestDifference) = (grid, difference);
        }

        return best;
    }

    /// <inheritdoc/>
    public override PixelSize BestCandidate(PixelSize image, IReadOnlyList<PixelSize> candidates)
    {
        (PixelSize best, long bestKept, long bestWaste) = (default, 0, long.MaxValue);
        T width = T.CreateChecked(image.Width), height = T.CreateChecked(image.Height);
        foreach (PixelSize candidate in candidates)
        {
            T scale = T.Min(T.CreateChecked(candidate.Width) / width, T.CreateChecked(candidate.Height) / height);
            PixelSize scaled = new(int.CreateTruncating(width * scale), int.CreateTruncating(height * scale));
            long kept = Math.Min(scaled.Area, image.Area);
            long waste = candidate.Area - kept;
            if (kept > bestKept || (kept == bestKept && waste < bestWaste)) (best, bestKept, bestWaste) = (candidate, kept, waste);
        }

        return best;
    }

    /// <summary>The multiple of <paramref name="alignment"/> nearest to <paramref name="side"/>, at least one.</summary>
    private int Nearest(T side, int alignment) =>
        checked(Math.Max(int.CreateChecked(T.Round(side / T.CreateChecked(alignment), rounding)) * alignment, alignment));

    /// <summary>All grids of so many tiles, by their number, the narrowest first.</summary>
    private static IEnumerable<TileGrid> Grids(int minTiles, int maxTiles)
    {
        for (int count = minTiles; count <= maxTiles; count++)
        {
                for (int columns = 1; columns <= count; columns++)
                    if (count % columns == 0) yield return new TileGrid(columns, count / columns);
        }
    }
}
