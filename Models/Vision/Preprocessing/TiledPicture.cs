namespace TinyMllm.Vision.Preprocessing;

/// <summary>
/// LLaVA-1.6 (and InternVL in llama.cpp): square tiles of <paramref name="Side"/> pixels, in the arrangement out of a list of candidate
/// sizes that keeps the most of the picture (and wastes the least canvas). The original tiles every picture, llama.cpp only those larger
/// than a tile.
/// </summary>
internal sealed record CandidateTiles(int Side, IReadOnlyList<PixelSize> Candidates, ResizeStyle OverviewStyle, ResizeStyle TileStyle, SizeRules Rules)
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
        if (!Rules.IsOriginal && image.Width <= Side && image.Height <= Side) return new ImagePlan(overview);
        PixelSize best = Rules.BestCandidate(image, Candidates);
        return new ImagePlan(overview, best, new TileGrid(best.Width / Side, best.Height / Side));
    }
}

/// <summary>
/// InternVL's own processor: square tiles in the grid whose shape is nearest to the picture's, whatever its size; a picture that is one tile
/// has no overview beside it.
/// </summary>
internal sealed record ShapeTiles(int Side, int MinTiles, int MaxTiles, ResizeStyle OverviewStyle, ResizeStyle TileStyle)
    : Preprocessor(OverviewStyle, TileStyle)
{
    /// <inheritdoc/>
    public override ImagePlan Plan(PixelSize image)
    {
        PixelSize overview = new(Side, Side);
        TileGrid grid = SizeRules.Original.NearestShape(image, Side, MinTiles, MaxTiles);
        return grid.Count == 1 ? new ImagePlan(overview) : new ImagePlan(overview, new PixelSize(grid.Columns * Side, grid.Rows * Side), grid);
    }
}

/// <summary>
/// LLaVA-UHD (MiniCPM-V): an overview of about <paramref name="Side"/>² pixels and up to <see cref="MaxTiles"/> tiles of about that area
/// each, in the grid whose shape is nearest to the picture's; tiles are not square in general. The original tiles a picture of more area
/// than a tile and keeps the shape of a smaller one; llama.cpp tiles it when a side is longer, and makes a smaller one square.
/// </summary>
internal sealed record UhdTiles(int Side, int Alignment, ResizeStyle OverviewStyle, ResizeStyle TileStyle, SizeRules Rules)
    : Preprocessor(OverviewStyle, TileStyle)
{
    private const int MaxTiles = 9;

    /// <inheritdoc/>
    public override ImagePlan Plan(PixelSize image)
    {
        if (Rules.IsOriginal && image.Area <= (long)Side * Side) return new ImagePlan(Rules.BestResize(image, Side, Alignment, always: true));
        if (!Rules.IsOriginal && image.Width <= Side && image.Height <= Side) return new ImagePlan(new PixelSize(Side, Side));

        TileGrid grid = Rules.NearestLogShape(image, Side, MaxTiles);
        PixelSize cell = new(
            Rules.Aligned(image, grid.Columns).Width / grid.Columns, Rules.Aligned(image, grid.Rows).Height / grid.Rows);
        PixelSize tile = Rules.BestResize(cell, Side, Alignment, always: true);
        PixelSize refined = new(tile.Width * grid.Columns, tile.Height * grid.Rows);
        return new ImagePlan(Rules.BestResize(image, Side, Alignment, always: false), refined, grid);
    }
}

/// <summary>
/// SmolVLM and Idefics3: the longer side becomes <paramref name="Edge"/> pixels, both sides are rounded up to whole square tiles, and there
/// is always an overview. Small pictures are enlarged. Files without an edge give the overview alone.
/// </summary>
internal sealed record Idefics3Tiles(int Side, int Edge, ResizeStyle OverviewStyle, ResizeStyle TileStyle, SizeRules Rules)
    : Preprocessor(OverviewStyle, TileStyle)
{
    /// <summary>The original's bound for the longer side.</summary>
    private const int MostEdge = 4096;

    /// <inheritdoc/>
    public override ImagePlan Plan(PixelSize image)
    {
        PixelSize overview = new(Side, Side), refined = Rules.IsOriginal ? Refined(image) : Rules.LongestEdge(image, Side, Edge);
        TileGrid grid = new(refined.Width / Side, refined.Height / Side);
        return Rules.IsOriginal && grid.Count <= 1 ? new ImagePlan(overview) : new ImagePlan(overview, refined, grid);
    }

    /// <summary>
    /// The original's two steps: the longer side to the edge, the other one cut to whole and up to even pixels; then each up to whole tiles,
    /// the shorter one in the proportion of the first step.
    /// </summary>
    private PixelSize Refined(PixelSize image)
    {
        if (Edge <= 0) return default;
        bool isWide = image.Width >= image.Height;
        (int longer, int shorter) = isWide ? (image.Width, image.Height) : (image.Height, image.Width);
        int edge = Math.Min(Edge, MostEdge), other = Shorter(edge, longer, shorter, isWide);
        other = Math.Max(1, other + other % 2);
        int whole = Up(edge), wholeOther = Up(Shorter(whole, edge, other, isWide));
        return isWide ? new PixelSize(whole, wholeOther) : new PixelSize(wholeOther, whole);

        int Up(int side) => (side + Side - 1) / Side * Side;
    }

    /// <summary>The shorter side beside a new longer one, by the ratio width / height as the original has it in double precision.</summary>
    private static int Shorter(int newLonger, int longer, int shorter, bool isWide) =>
        isWide ? (int)(newLonger / ((double)longer / shorter)) : (int)(newLonger * ((double)shorter / longer));
}

/// <summary>
/// LFM2-VL: an overview within token limits, and square tiles for large pictures. Large is an area of more than twice the overview's limit
/// in the original, a side of more than two tiles in llama.cpp.
/// </summary>
internal sealed record Lfm2Tiles(int Alignment, long MinPixels, long MaxPixels, ResizeStyle OverviewStyle, ResizeStyle TileStyle, SizeRules Rules)
    : Preprocessor(OverviewStyle, TileStyle)
{
    private const int Side = 512, MinTiles = 2, MaxTiles = 10, Tolerance = 2;

    /// <inheritdoc/>
    public override ImagePlan Plan(PixelSize image)
    {
        PixelSize overview = Rules.Smart(image, Alignment, MinPixels, MaxPixels);
        if (!IsLarge(image)) return new ImagePlan(overview);
        TileGrid grid = Rules.NearestShape(image, Side, MinTiles, MaxTiles);
        return new ImagePlan(overview, new PixelSize(grid.Columns * Side, grid.Rows * Side), grid);
    }

    private bool IsLarge(PixelSize image) => Rules.IsOriginal
        ? Rules.Aligned(image, Alignment).Area > Tolerance * MaxPixels
        : Math.Max(image.Width, image.Height) > Tolerance * Side;
}
