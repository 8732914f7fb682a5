namespace TinyMllm.Vision.Preprocessing;

/// <summary>
/// LLaVA-1.6 and InternVL: square tiles of <paramref name="Side"/> pixels, in the arrangement out of a list of candidate sizes that keeps
/// the most of the picture (and wastes the least canvas). Pictures no larger than a tile are not tiled.
/// </summary>
internal sealed record CandidateTiles(int Side, IReadOnlyList<PixelSize> Candidates, ResizeStyle OverviewStyle, ResizeStyle TileStyle)
    : Preprocessor(OverviewStyle, TileStyle)
{
    /// <summary>InternVL's candidates: every arrangement of <paramref name="minTiles"/> … <paramref name="maxTiles"/> tiles.</summary>
    public static IReadOnlyList<PixelSize> Arrangements(int side, int minTiles, int maxTiles)
    {
        List<PixelSize> candidates = [];
        for (int columns = minTiles; columns <= maxTiles; columns++)
        {
            int first = Math.Max((minTiles + columns - 1) / columns, minTiles);
            int last = Math.Min(maxTiles / columns, maxTiles);
            for (int rows = first; rows <= last; rows++) candidates.Add(new PixelSize(columns * side, rows * side));
        }

        return candidates;
    }

    /// <inheritdoc/>
    public override ImagePlan Plan(PixelSize image)
    {
        PixelSize overview = new(Side, Side);
        if (image.Width <= Side && image.Height <= Side) return new ImagePlan(overview);

        (PixelSize best, long bestKept, long bestWaste) = (default, 0, long.MaxValue);
        foreach (PixelSize candidate in Candidates)
        {
            float scale = Math.Min(candidate.Width / (float)image.Width, candidate.Height / (float)image.Height);
            PixelSize scaled = new((int)(image.Width * scale), (int)(image.Height * scale));
            long kept = Math.Min(scaled.Area, image.Area);
            long waste = candidate.Area - kept;
            if (kept > bestKept || (kept == bestKept && waste < bestWaste)) (best, bestKept, bestWaste) = (candidate, kept, waste);
        }

        return new ImagePlan(overview, best, new TileGrid(best.Width / Side, best.Height / Side));
    }
}

/// <summary>
/// LLaVA-UHD (MiniCPM-V): an overview of about <paramref name="Side"/>² pixels and up to <see cref="MaxTiles"/> tiles of about that area
/// each, in the grid whose shape is nearest to the picture's; tiles are not square in general.
/// </summary>
internal sealed record UhdTiles(int Side, int Alignment, ResizeStyle OverviewStyle, ResizeStyle TileStyle) : Preprocessor(OverviewStyle, TileStyle)
{
    private const int MaxTiles = 9;

    /// <inheritdoc/>
    public override ImagePlan Plan(PixelSize image)
    {
        if (image.Width <= Side && image.Height <= Side) return new ImagePlan(new PixelSize(Side, Side));

        TileGrid grid = BestGrid(image);
        PixelSize cell = new(SizeRules.Nearest(image.Width, grid.Columns) / grid.Columns, SizeRules.Nearest(image.Height, grid.Rows) / grid.Rows);
        PixelSize tile = SizeRules.BestResize(cell, Side, Alignment, always: true);
        PixelSize refined = new(tile.Width * grid.Columns, tile.Height * grid.Rows);
        return new ImagePlan(SizeRules.BestResize(image, Side, Alignment, always: false), refined, grid);
    }

    private TileGrid BestGrid(PixelSize image)
    {
        int multiple = (int)Math.Min(MathF.Ceiling((float)image.Area / ((long)Side * Side)), MaxTiles);
        float shape = MathF.Log((float)image.Width / image.Height);
        TileGrid best = new(1, 1);
        float bestDifference = float.PositiveInfinity;
        for (int count = Math.Max(2, multiple - 1); count <= Math.Min(multiple + 1, MaxTiles); count++)
        {
            for (int columns = 1; columns <= count; columns++)
            {
                if (count % columns != 0) continue;
                TileGrid grid = new(columns, count / columns);
                float difference = MathF.Abs(shape - MathF.Log((float)grid.Columns / grid.Rows));
                if (difference < bestDifference) (best, bestDifference) = (grid, difference);
            }
        }

        return best;
    }
}

/// <summary>
/// SmolVLM and Idefics3: the longer side becomes <paramref name="Edge"/> pixels, both sides are rounded up to whole square tiles, and there
/// is always an overview. Small pictures are enlarged. Files without an edge give the overview alone.
/// </summary>
internal sealed record Idefics3Tiles(int Side, int Edge, ResizeStyle OverviewStyle, ResizeStyle TileStyle) : Preprocessor(OverviewStyle, TileStyle)
{
    /// <inheritdoc/>
    public override ImagePlan Plan(PixelSize image)
    {
        PixelSize refined = SizeRules.LongestEdge(image, Side, Edge);
        return new ImagePlan(new PixelSize(Side, Side), refined, new TileGrid(refined.Width / Side, refined.Height / Side));
    }
}

/// <summary>LFM2-VL: an overview within token limits, and square tiles when a side is longer than twice a tile.</summary>
internal sealed record Lfm2Tiles(int Alignment, long MinPixels, long MaxPixels, ResizeStyle OverviewStyle, ResizeStyle TileStyle)
    : Preprocessor(OverviewStyle, TileStyle)
{
    private const int Side = 512, MinTiles = 2, MaxTiles = 10, Tolerance = 2;

    /// <inheritdoc/>
    public override ImagePlan Plan(PixelSize image)
    {
        PixelSize overview = SizeRules.Smart(image, Alignment, MinPixels, MaxPixels);
        if (Math.Max(image.Width, image.Height) <= Tolerance * Side) return new ImagePlan(overview);
        TileGrid grid = SizeRules.NearestShape(image, Side, MinTiles, MaxTiles);
        return new ImagePlan(overview, new PixelSize(grid.Columns * Side, grid.Rows * Side), grid);
    }
}
