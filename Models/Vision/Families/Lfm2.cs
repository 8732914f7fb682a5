using TinyMllm.Engine;
using TinyMllm.Kernels.Elementwise;
using TinyMllm.Vision.Preprocessing;
using TinyMllm.Vision.Transformer;

namespace TinyMllm.Vision.Families;

/// <summary>LFM2-VL, LFM2.5-VL (<c>lfm2</c>): SigLIP2 at dynamic resolution, pixel unshuffle, norm, two matrices.</summary>
internal sealed class Lfm2 : TransformerFamily
{
    private const float ProjectorEpsilon = 1e-5f;
    private const int MinTokens = 64, MaxTokens = 256;

    private readonly INorm? _norm;
    private readonly Mlp _mlp;

    public Lfm2(VisionSource source)
        : base(source, new TransformerOptions { Positions = PositionFitting.AntialiasedLinear },
            source.Merge("clip.vision.projector.scale_factor", absent: 1))
    {
        int inputs = Config.Width * BlockSide * BlockSide;
        _norm = source.Weights.OptionalNorm("mm.input_norm", inputs, NormKind.Layer, ProjectorEpsilon);
        _mlp = source.Weights.Mlp("mm.1", "mm.2", inputs, Activation.GeluTanh);
        int tokenSide = Config.PatchSize * BlockSide;
        (long min, long max) = source.PixelLimits(MinTokens, MaxTokens, tokenSide);
        Preprocessor = new Lfm2Tiles(tokenSide, min, max, Styles.BilinearStretch, Styles.BilinearPad, source.Rules);
        Markers = new ImageMarkers
        {
            Begin = "<|image_start|>",
            End = "<|image_end|>",
            OverviewStart = ["<|img_thumbnail|>"],
            OverviewMarkedOnlyWithTiles = !source.Options.Follows(Quirks.ThumbnailAlways),
            Label = (row, column) => $"<|img_row_{row}_col_{column}|>",
        };
    }

    /// <inheritdoc/>
    public override Preprocessor Preprocessor { get; }

    /// <inheritdoc/>
    public override ImageMarkers Markers { get; }

    /// <inheritdoc/>
    public override int EmbeddingLength => _mlp.Outputs;

    /// <inheritdoc/>
    protected override void Project(Workspace workspace, Matrix patches, PatchGrid grid, Matrix embeddings)
    {
        Matrix shuffled = Rows.Concatenate(patches, BlockSide * BlockSide);
        _norm?.Forward(workspace, shuffled, shuffled);
        _mlp.Forward(workspace, shuffled, embeddings, add: false);
    }
}
