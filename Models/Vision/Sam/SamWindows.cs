using TinyMllm.Engine;
using TinyMllm.Kernels.Elementwise;
using TinyMllm.Vision.Transformer;

namespace TinyMllm.Vision.Sam;

/// <summary>
/// A square grid of patches cut into square windows, one after the other; windows that reach over the right and lower edge are filled with
/// zero cells, which take part as keys. One window as large as the grid is attention over everything.
/// </summary>
internal sealed unsafe class SamWindows
{
    private const int Padding = -1;

    /// <summary>Cuts <paramref name="grid"/> into windows of <paramref name="side"/>² cells.</summary>
    public SamWindows(PatchGrid grid, int side)
    {
        Side = side;
        PatchGrid windows = grid.Blocks(side);
        Cells = new int[windows.Count * side * side];
        Ranges = new KeyRange[Cells.Length];
        for (int i = 0; i < Cells.Length; i++)
        {
            (int window, int cell) = (i / (side * side), i % (side * side));
            int x = window % windows.Columns * side + cell % side, y = window / windows.Columns * side + cell / side;
            Cells[i] = x < grid.Columns && y < grid.Rows ? y * grid.Columns + x : Padding;
            Ranges[i] = new KeyRange(window * side * side, (window + 1) * side * side);
        }
    }

    /// <summary>Cells per side of a window.</summary>
    public int Side { get; }

    /// <summary>Row-major patch of each cell, −1 for padding.</summary>
    public int[] Cells { get; }

    /// <summary>The cells that each cell sees: its window.</summary>
    public KeyRange[] Ranges { get; }

    /// <summary>Copies patches to their cells.</summary>
    public void Gather(Matrix patches, Matrix cells)
    {
        for (int i = 0; i < Cells.Length; i++)
        {
            if (Cells[i] == Padding) cells.RowSpan(i).Clear();
            else patches.RowSpan(Cells[i]).CopyTo(cells.RowSpan(i));
        }
    }

    /// <summary>Adds cells to their patches.</summary>
    public void AddBack(Matrix cells, Matrix patches)
    {
        for (int i = 0; i < Cells.Length; i++)
        {
            if (Cells[i] != Padding) VectorKernels.AddScaled(cells.Row(i), 1, patches.Row(Cells[i]), patches.Columns);
        }
    }
}
