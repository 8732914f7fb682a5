namespace TinyMllm.Vision.Preprocessing;

/// <summary>Width and height of a picture in pixels.</summary>
/// <param name="Width">Pixels per row.</param>
/// <param name="Height">Rows.</param>
public readonly record struct PixelSize(int Width, int Height)
{
    /// <summary>Number of pixels.</summary>
    public long Area => (long)Width * Height;

    /// <inheritdoc/>
    public override string ToString() => $"{Width}×{Height}";
}

/// <summary>How many tiles stand beside and below each other; 0 × 0 when a picture is not tiled.</summary>
/// <param name="Columns">Tiles per row.</param>
/// <param name="Rows">Rows of tiles.</param>
public readonly record struct TileGrid(int Columns, int Rows)
{
    /// <summary>Number of tiles.</summary>
    public int Count => Columns * Rows;
}
