using TinyMllm.Engine;
using TinyMllm.Kernels.Elementwise;
using TinyMllm.Vision.Preprocessing;
using TinyMllm.Vision.Transformer;

namespace TinyMllm.Vision.Families;

/// <summary>
/// What the Qwen-VL encoders share: smart resize, two-dimensional rotary embedding, 2×2 merging with two matrices, and tokens whose
/// positions are those of a grid.
/// </summary>
internal abstract class QwenFamily : TransformerFamily
{
    private const int LlamaCppMinTokens = 8, MaxTokens = 4096;

    private readonly Mlp _merger;

    /// <param name="source">The file.</param>
    /// <param name="options">The transformer.</param>
    /// <param name="mergerActivation">Between the merger's matrices.</param>
    /// <param name="minTokens">Fewest tokens that the original's processor gives a picture.</param>
    protected QwenFamily(VisionSource source, TransformerOptions options, Activation mergerActivation, int minTokens)
        : base(source, options with { Rotary = source.VisionRotary() }, source.Merge("clip.vision.spatial_merge_size", absent: 2))
    {
        _merger = source.Weights.Mlp("mm.0", "mm.2", Config.Width * BlockSide * BlockSide, mergerActivation);
        int tokenSide = Config.PatchSize * BlockSide;
        (long min, long max) = source.PixelLimits(source.Rules.IsOriginal ? minTokens : LlamaCppMinTokens, MaxTokens, tokenSide);
        Preprocessor = new DynamicSize(tokenSide, min, max, Styles.BilinearPad, source.Rules);
    }

    /// <inheritdoc/>
    public override Preprocessor Preprocessor { get; }

    /// <inheritdoc/>
    public override ImageMarkers Markers { get; } = new() { Begin = "<|vision_start|>", End = "<|vision_end|>" };

    /// <inheritdoc/>
    public override int EmbeddingLength => _merger.Outputs;

    /// <inheritdoc/>
    public override TokenGrid Tokens(PixelSize tile)
    {
        PatchGrid blocks = Grid(tile).Blocks(BlockSide);
        return TokenGrid.Area(blocks.Columns, blocks.Rows);
    }

    /// <inheritdoc/>
    protected override void Project(Workspace workspace, Matrix patches, PatchGrid grid, Matrix embeddings) =>
        _merger.Forward(workspace, Rows.Concatenate(patches, BlockSide * BlockSide), embeddings, add: false);

    /// <summary>erf-GELU in the original, tanh-GELU in llama.cpp.</summary>
    protected static Activation MergerGelu(VisionSource source) =>
        source.Options.Follows(Quirks.TanhGeluMerger) ? Activation.GeluTanh : Activation.GeluErf;
}

/// <summary>Qwen2-VL (<c>qwen2vl_merger</c>): LayerNorm, quick-GELU, full attention.</summary>
internal sealed class Qwen2Vl(VisionSource source)
    : QwenFamily(source, new TransformerOptions { FeedForwardNamesMayBeSwapped = true }, MergerGelu(source), minTokens: 4);
