using TinyMllm.Engine;
using TinyMllm.Kernels.Elementwise;
using TinyMllm.Vision.Preprocessing;
using TinyMllm.Vision.Transformer;

namespace TinyMllm.Vision.Families;

/// <summary>
/// PaddleOCR-VL (<c>paddleocr</c>): learned positions and rotary embedding, a norm per patch, 2×2 merging, two matrices; grid positions.
/// </summary>
internal sealed class PaddleOcr : TransformerFamily
{
    private const float ProjectorEpsilon = 1e-5f;

    private readonly INorm _norm;
    private readonly Mlp _mlp;

    public PaddleOcr(VisionSource source)
        : base(source, new TransformerOptions { Positions = PositionFitting.AntialiasedLinear, Rotary = source.VisionRotary() }, blockSide: 2)
    {
        _norm = source.Weights.Norm("mm.input_norm", Config.Width, NormKind.Layer, ProjectorEpsilon);
        _mlp = source.Weights.Mlp("mm.1", "mm.2", Config.Width * BlockSide * BlockSide, Config.Activation);
        int tokenSide = Config.PatchSize * BlockSide;
        (long min, long max) = source.PixelLimitsFromKeys(tokenSide);
        Preprocessor = new DynamicSize(tokenSide, min, max, Styles.BilinearPad, source.Rules);
    }

    /// <inheritdoc/>
    public override Preprocessor Preprocessor { get; }

    /// <inheritdoc/>
    public override ImageMarkers Markers { get; } = new() { Begin = "<|IMAGE_START|>", End = "<|IMAGE_END|>" };

    /// <inheritdoc/>
    public override int EmbeddingLength => _mlp.Outputs;

    /// <inheritdoc/>
    public override TokenGrid Tokens(PixelSize tile)
    {
        PatchGrid blocks = Grid(tile).Blocks(BlockSide);
        return TokenGrid.Area(blocks.Columns, blocks.Rows);
    }

    /// <inheritdoc/>
    protected override void Project(Workspace workspace, Matrix patches, PatchGrid grid, Matrix embeddings)
    {
        _norm.Forward(workspace, patches, patches);
        _mlp.Forward(workspace, Rows.Concatenate(patches, BlockSide * BlockSide), embeddings, add: false);
    }
}
