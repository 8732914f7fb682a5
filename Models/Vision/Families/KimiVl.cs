using TinyMllm.Engine;
using TinyMllm.Kernels.Elementwise;
using TinyMllm.Vision.Preprocessing;
using TinyMllm.Vision.Transformer;

namespace TinyMllm.Vision.Families;

/// <summary>
/// Kimi-VL (<c>kimivl</c>): MoonViT with learned positions and split rotary embedding, a norm per patch, 2×2 merging, two matrices.
/// </summary>
internal sealed class KimiVl : TransformerFamily
{
    private const float ProjectorEpsilon = 1e-5f;
    private const int MinTokens = 8, MaxTokens = 1024;

    private readonly INorm _norm;
    private readonly Mlp _mlp;

    public KimiVl(VisionSource source)
        : base(source, Options(source), source.Merge("clip.vision.projector.scale_factor", absent: 2))
    {
        _norm = source.Weights.Norm("mm.input_norm", Config.Width, NormKind.Layer, ProjectorEpsilon);
        _mlp = source.Weights.Mlp("mm.1", "mm.2", Config.Width * BlockSide * BlockSide, Activation.GeluTanh);
        int tokenSide = Config.PatchSize * BlockSide;
        (long min, long max) = source.PixelLimits(MinTokens, MaxTokens, tokenSide);
        long maxPatches = max / (Config.PatchSize * Config.PatchSize);
        Preprocessor = source.Rules.IsOriginal
            ? new PaddedToBlocks(Config.PatchSize, tokenSide, maxPatches, Styles.BilinearPad)
            : new DynamicSize(tokenSide, min, max, Styles.BilinearPad, source.Rules);
    }

    /// <inheritdoc/>
    public override Preprocessor Preprocessor { get; }

    /// <inheritdoc/>
    public override ImageMarkers Markers { get; } = new() { Begin = "<|media_start|>", End = "<|media_end|>" };

    /// <inheritdoc/>
    public override int EmbeddingLength => _mlp.Outputs;

    /// <inheritdoc/>
    protected override void Project(Workspace workspace, Matrix patches, PatchGrid grid, Matrix embeddings)
    {
        _norm.Forward(workspace, patches, patches);
        _mlp.Forward(workspace, Rows.Concatenate(patches, BlockSide * BlockSide), embeddings, add: false);
    }

    private static TransformerOptions Options(VisionSource source) => new()
    {
        Positions = PositionFitting.AntialiasedLinear,
        Rotary = source.SplitRotary(interleaved: false),
        RotaryColumnFirst = true,
    };
}
