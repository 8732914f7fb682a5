using TinyMllm.Engine;
using TinyMllm.Vision.Preprocessing;
using TinyMllm.Vision.Transformer;

namespace TinyMllm.Vision.Families;

/// <summary>
/// SmolVLM, SmolVLM2, granite-docling, Idefics3 (<c>idefics3</c>): SigLIP on square tiles, pixel shuffle of s×s patches, one matrix.
/// </summary>
internal sealed class Idefics3 : TransformerFamily
{
    private readonly Linear _projection;

    public Idefics3(VisionSource source)
        : base(source, new TransformerOptions { FeedForwardNamesMayBeSwapped = true }, source.Merge("clip.vision.projector.scale_factor"))
    {
        int edge = source.Metadata.GetInt32("clip.vision.preproc_image_size", 0);
        if (edge > 1 << 14) throw source.Metadata.Invalid("clip.vision.preproc_image_size", "at most 16384 pixels");
        Preprocessor = new Idefics3Tiles(Config.ImageSize, edge, Styles.BilinearStretch, Styles.BicubicPad, source.Rules);
        bool breaksOnlyBehindTiles = source.Rules.IsOriginal && edge > 0;
        Markers = new ImageMarkers
        {
            TilesEnd = breaksOnlyBehindTiles ? "\n\n" : null,
            OverviewStart = [.. breaksOnlyBehindTiles ? Array.Empty<string>() : ["\n\n"], "<fake_token_around_image>", "<global-img>"],
            OverviewEnd = ["<fake_token_around_image>"],
            Label = (row, column) => $"<fake_token_around_image><row_{row}_col_{column}>",
            RowEnd = "\n",
        };
        _projection = source.Weights.Linear("mm.model.fc", Config.Width * BlockSide * BlockSide);
    }

    /// <inheritdoc/>
    public override Preprocessor Preprocessor { get; }

    /// <inheritdoc/>
    public override ImageMarkers Markers { get; }

    /// <inheritdoc/>
    public override int EmbeddingLength => _projection.Outputs;

    /// <inheritdoc/>
    protected override void Project(Workspace workspace, Matrix patches, PatchGrid grid, Matrix embeddings) =>
        _projection.Forward(workspace, Rows.Concatenate(patches, BlockSide * BlockSide), embeddings);
}
