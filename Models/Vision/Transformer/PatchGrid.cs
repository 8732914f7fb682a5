using TinyMllm.Vision.Preprocessing;

namespace TinyMllm.Vision.Transformer;

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
