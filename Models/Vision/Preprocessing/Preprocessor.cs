using TinyMllm.Loaders.Images;

namespace TinyMllm.Vision.Preprocessing;

/// <summary>
/// A strategy that turns a picture of any size into what a vision encoder reads (docs/models/vision.md#preparation).
/// </summary>
/// <param name="OverviewStyle">How the overview is resized.</param>
/// <param name="TileStyle">How the picture is resized that the tiles are cut from.</param>
internal abstract record Preprocessor(ResizeStyle OverviewStyle, ResizeStyle TileStyle)
{
    /// <summary>The same sizes with another filter.</summary>
    public Preprocessor With(Interpolation filter) => this with
    {
        OverviewStyle = OverviewStyle with { Interpolation = filter },
        TileStyle = TileStyle with { Interpolation = filter },
    };

    /// <summary>Decides the sizes; pure arithmetic.</summary>
    public abstract ImagePlan Plan(PixelSize image);

    /// <summary>Cuts <paramref name="image"/> as <paramref name="plan"/> says: tiles row by row, and the overview. Pixels are computed when a tile is rendered.</summary>
    public PreparedPixels Prepare(RgbImage image, ImagePlan plan)
    {
        ImageTile? overview = plan.Overview is { } size ? new ImageTile(image, size, OverviewStyle, default, size, plan.Content) : null;
        var tiles = new ImageTile[plan.Grid.Count];
        for (int i = 0; i < tiles.Length; i++)
        {
            (int row, int column) = (i / plan.Grid.Columns, i % plan.Grid.Columns);
            tiles[i] = new ImageTile(image, plan.Refined, TileStyle, (column * plan.Tile.Width, row * plan.Tile.Height), plan.Tile);
        }

        return new PreparedPixels(overview, tiles, plan.Grid);
    }
}

/// <summary>The pixels of a prepared picture.</summary>
/// <param name="Overview">The overview, if there is one.</param>
/// <param name="Tiles">The tiles, row by row.</param>
/// <param name="Grid">Their grid.</param>
internal sealed record PreparedPixels(ImageTile? Overview, IReadOnlyList<ImageTile> Tiles, TileGrid Grid);
