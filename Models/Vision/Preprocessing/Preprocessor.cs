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

    /// <summary>The overview of <paramref name="image"/>, or null if the plan has none. Its pixels are computed when it is rendered.</summary>
    public ImageTile? Overview(RgbImage image, ImagePlan plan) =>
        plan.Overview is { } size ? new ImageTile(image, size, OverviewStyle, default, size, plan.Content) : null;

    /// <summary>One tile of <paramref name="image"/>. Its pixels are computed when it is rendered.</summary>
    public ImageTile Tile(RgbImage image, ImagePlan plan, int row, int column) =>
        new(image, plan.Refined, TileStyle, (column * plan.Tile.Width, row * plan.Tile.Height), plan.Tile);
}
