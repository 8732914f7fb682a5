using TinyMllm.Engine;
using TinyMllm.Kernels.Elementwise;
using TinyMllm.Vision.Preprocessing;
using TinyMllm.Vision.Transformer;
using TinyMllm.Weights;

namespace TinyMllm.Vision.Families;

/// <summary>
/// Pixtral, Mistral Small 3.1, Ministral 3 (<c>pixtral</c>): RMS norms, gated feed-forward, split rotary embedding with interleaved
/// frequencies, optional merging of patches, two matrices, and a learned embedding that breaks the rows. LightOnOCR (<c>lightonocr</c>) is
/// the same without row breaks, on pictures brought to a fixed longer side.
/// </summary>
internal sealed class Pixtral : TransformerFamily
{
    private const int MinTokens = 8, MaxTokens = 1024;

    private readonly INorm? _mergerNorm;
    private readonly Linear? _merger;
    private readonly Mlp _mlp;
    private readonly FloatWeights? _rowBreak;

    public Pixtral(VisionSource source)
        : base(source, new TransformerOptions { Norm = NormKind.Rms, Rotary = source.SplitRotary(interleaved: true) },
            source.Merge("clip.vision.spatial_merge_size", absent: 1))
    {
        ModelWeights weights = source.Weights;
        if (weights.Has("mm.patch_merger.weight"))
        {
            _mergerNorm = weights.OptionalNorm("mm.input_norm", Config.Width, NormKind.Rms, Config.Epsilon);
            _merger = weights.WindowMatrix("mm.patch_merger", BlockSide, Config.Width, Config.Width);
        }
        else if (BlockSide > 1)
        {
            throw Unsupported($"tensor 'mm.patch_merger.weight': found none, expected one to merge {BlockSide}×{BlockSide} patches");
        }

        _mlp = weights.Mlp("mm.1", "mm.2", Config.Width, Activation.GeluTanh);
        int tokenSide = Config.PatchSize * BlockSide;
        if (Config.ProjectorType == "lightonocr")
        {
            int edge = VisionConfig.Positive(source.Metadata, "clip.vision.preproc_image_size", 1 << 13, absent: Config.ImageSize);
            Preprocessor = source.Rules.IsOriginal
                ? new WithinEdge(tokenSide, edge, source.PixelLimits(1, int.MaxValue, tokenSide).Max, Styles.BicubicPad)
                : new LongestEdge(tokenSide, edge, Styles.BicubicPad, source.Rules);
            Markers = new ImageMarkers { Begin = "<|im_start|>", End = "<|im_end|>" };
            return;
        }

        _rowBreak = weights.Floats("v.token_embd.img_break", _mlp.Outputs);
        (long min, long max) = source.PixelLimits(MinTokens, MaxTokens, tokenSide);
        Preprocessor = source.Rules.IsOriginal && Config.ImageSize > 0
            ? new WithinEdge(tokenSide, Config.ImageSize, max, Styles.BilinearPad)
            : new DynamicSize(tokenSide, min, max, Styles.BilinearPad, source.Rules);
        Markers = new ImageMarkers { End = "[IMG_END]" };
    }

    /// <inheritdoc/>
    public override Preprocessor Preprocessor { get; }

    /// <inheritdoc/>
    public override ImageMarkers Markers { get; }

    /// <inheritdoc/>
    public override int EmbeddingLength => _mlp.Outputs;

    /// <inheritdoc/>
    public override TokenGrid Tokens(PixelSize tile)
    {
        PatchGrid blocks = Grid(tile).Blocks(BlockSide);
        return TokenGrid.Line(_rowBreak is null ? blocks.Count : (blocks.Columns + 1) * blocks.Rows - 1);
    }

    /// <inheritdoc/>
    protected override void Project(Workspace workspace, Matrix patches, PatchGrid grid, Matrix embeddings)
    {
        using var frame = workspace.Frame();
        PatchGrid blocks = grid.Blocks(BlockSide);
        Matrix merged = patches;
        if (_merger is not null)
        {
            _mergerNorm?.Forward(workspace, patches, patches);
            merged = workspace.Rent(blocks.Count, Config.Width);
            _merger.Forward(workspace, Rows.Concatenate(patches, BlockSide * BlockSide), merged);
        }

        if (_rowBreak is not { } rowBreak)
        {
            _mlp.Forward(workspace, merged, embeddings, add: false);
            return;
        }

        Matrix tokens = workspace.Rent(blocks.Count, _mlp.Outputs);
        _mlp.Forward(workspace, merged, tokens, add: false);
        for (int row = 0; row < blocks.Rows; row++)
        {
            int first = row * (blocks.Columns + 1);
            tokens.Slice(row * blocks.Columns, blocks.Columns).CopyTo(embeddings.Slice(first, blocks.Columns));
            if (row < blocks.Rows - 1) rowBreak.Values.CopyTo(embeddings.Slice(first + blocks.Columns, 1));
        }
    }
}
