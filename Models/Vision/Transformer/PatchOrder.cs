using TinyMllm.Vision.Preprocessing;

namespace TinyMllm.Vision.Transformer;

/// <summary>
/// The order in which a picture's patches stand in the sequence. Attention does not care, so an order is chosen in which whatever is merged
/// later, or attends together, is contiguous: pixel shuffle, 2×2 merging and pooling become views of consecutive rows, windows become
/// ranges of keys.
/// </summary>
internal sealed class PatchOrder
{
    private PatchOrder(int[] raster, int[]? windowEnds = null) => (Raster, WindowEnds) = (raster, windowEnds);

    /// <summary>For each element of the sequence the patch's index in row-major order.</summary>
    public int[] Raster { get; }

    /// <summary>Where windows end in the sequence; null without windows.</summary>
    public int[]? WindowEnds { get; }

    /// <summary>Row-major order.</summary>
    public static PatchOrder RowMajor(PatchGrid grid) => Blocks(grid, 1);

    /// <summary>
    /// Blocks of <paramref name="side"/>² patches in row-major order, row-major inside each. The grid must be whole blocks.
    /// </summary>
    public static PatchOrder Blocks(PatchGrid grid, int side)
    {
        var raster = new int[grid.Count];
        int next = 0;
        AddBlocks(grid, side, new PatchGrid(0, 0), grid.Blocks(side), raster, ref next);
        return new PatchOrder(raster);
    }

    /// <summary>Blocks of 2×2 blocks of 2×2 patches: two merging steps, one after the other.</summary>
    public static PatchOrder NestedBlocks(PatchGrid grid) => Windows(grid, 2, 2);

    /// <summary>
    /// Windows of <paramref name="window"/>² blocks in row-major order (smaller at the right and lower edge), blocks of
    /// <paramref name="side"/>² patches row-major inside a window.
    /// </summary>
    public static PatchOrder Windows(PatchGrid grid, int side, int window)
    {
        PatchGrid blocks = grid.Blocks(side);
        var raster = new int[grid.Count];
        List<int> ends = [];
        int next = 0;
        for (int top = 0; top < blocks.Rows; top += window)
        {
            for (int left = 0; left < blocks.Columns; left += window)
            {
                PatchGrid end = new(Math.Min(left + window, blocks.Columns), Math.Min(top + window, blocks.Rows));
                AddBlocks(grid, side, new PatchGrid(left, top), end, raster, ref next);
                ends.Add(next);
            }
        }

        return new PatchOrder(raster, [.. ends]);
    }

    /// <summary>For each run of <paramref name="side"/>² elements the row-major index of the block of patches that they are.</summary>
    public int[] BlockIndices(PatchGrid grid, int side)
    {
        int columns = grid.Blocks(side).Columns;
        var indices = new int[Raster.Length / (side * side)];
        for (int i = 0; i < indices.Length; i++)
        {
            int first = Raster[i * side * side];
            indices[i] = first / grid.Columns / side * columns + first % grid.Columns / side;
        }

        return indices;
    }

    private static void AddBlocks(PatchGrid grid, int side, PatchGrid start, PatchGrid end, int[] raster, ref int next)
    {
        for (int y = start.Rows; y < end.Rows; y++)
        {
            for (int x = start.Columns; x < end.Columns; x++)
            {
                for (int dy = 0; dy < side; dy++)
                    for (int dx = 0; dx < side; dx++) raster[next++] = (y * side + dy) * grid.Columns + x * side + dx;
            }
        }
    }
}

/// <summary>The patches of a picture.</summary>
/// <param name="Columns">Patches per row.</param>
/// <param name="Rows">Rows of patches.</param>
internal readonly record struct PatchGrid(int Columns, int Rows)
{
    /// <summary>Number of patches.</summary>
    public int Count => Columns * Rows;

    /// <summary>The whole patches of a picture; surplus pixels on the right and below are left out.</summary>
    public static PatchGrid Of(PixelSize size, int patchSize) => new(size.Width / patchSize, size.Height / patchSize);

    /// <summary>The grid of blocks of <paramref name="side"/>² patches; incomplete blocks count.</summary>
    public PatchGrid Blocks(int side) => new((Columns + side - 1) / side, (Rows + side - 1) / side);
}
