namespace TinyMllm.Vision.Preprocessing;

/// <summary>Sizes decided for one picture: an overview, and tiles cut from a finer version of it.</summary>
/// <param name="Overview">Size of the overview (the only encoded picture when there are no tiles); null if there is none.</param>
/// <param name="Refined">Size of the finer version; 0×0 without tiles.</param>
/// <param name="Grid">Tiles it is cut into; 0×0 without tiles.</param>
public readonly record struct ImagePlan(PixelSize? Overview, PixelSize Refined = default, TileGrid Grid = default)
{
    /// <summary>
    /// Size of the picture within <see cref="Overview"/>, in its upper left corner; null: as the style of resizing fits it.
    /// </summary>
    public PixelSize? Content { get; init; }

    /// <summary>Size of one tile.</summary>
    public PixelSize Tile => Grid.Count == 0 ? default : new PixelSize(Refined.Width / Grid.Columns, Refined.Height / Grid.Rows);

    /// <summary>The same without tiles.</summary>
    public ImagePlan WithoutTiles() => this with { Refined = default, Grid = default };
}

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
