using TinyMllm.Engine;
using TinyMllm.Kernels.Elementwise;
using TinyMllm.Vision.Preprocessing;
using TinyMllm.Vision.Transformer;
using TinyMllm.Weights;

namespace TinyMllm.Vision.Families;

/// <summary>
/// MiniCPM-V 4.6 (<c>minicpmv4_6</c>): after some blocks every 2×2 patches attend to each other and become one; the rest of the blocks run
/// on the smaller grid, and 2×2 of its cells become a token.
/// </summary>
internal sealed class MiniCpm46 : TransformerFamily
{
    private const int Side = 2, Cells = Side * Side;

    private readonly int _mergeAfter;
    private readonly INorm _attentionNorm, _mergeNorm, _outputNorm;
    private readonly Linear _queryKeyValue, _attentionOut;
    private readonly Mlp _merge, _output;

    public MiniCpm46(VisionSource source)
        : base(source, new TransformerOptions { Positions = PositionFitting.Buckets, FeedForwardNamesMayBeSwapped = true }, blockSide: Cells)
    {
        ModelWeights weights = source.Weights;
        int width = Config.Width;
        _mergeAfter = source.Metadata.TryGetInt32Array("clip.vision.wa_layer_indexes", out int[]? layers) && layers.Length > 0 ? layers[0] : 0;
        if (_mergeAfter < 0 || _mergeAfter >= Config.BlockCount)
            throw source.Metadata.Invalid("clip.vision.wa_layer_indexes", $"a block 0 to {Config.BlockCount - 1}");

        const string merger = "v.vit_merger.";
        _attentionNorm = weights.Norm(merger + "ln1", width, NormKind.Layer, Config.Epsilon);
        _queryKeyValue = weights.Fuse(width, width, merger + "attn_q", merger + "attn_k", merger + "attn_v");
        _attentionOut = weights.Linear(merger + "attn_out", width, width);
        _mergeNorm = weights.Norm(merger + "ds_ln", Cells * width, NormKind.Layer, Config.Epsilon);
        _merge = weights.Mlp(merger + "ds_ffn_up", merger + "ds_ffn_down", Cells * width, Activation.GeluTanh, width);
        _outputNorm = weights.Norm("mm.input_norm", Cells * width, NormKind.Layer, Config.Epsilon);
        _output = weights.Mlp("mm.up", "mm.down", Cells * width, Activation.GeluErf);

        int alignment = Config.PatchSize * source.Merge("clip.vision.projector.scale_factor", absent: Cells);
        if (alignment % (Config.PatchSize * Cells) != 0 || Config.ImageSize % (Config.PatchSize * Cells) != 0)
            throw Unsupported($"tiles of {Config.ImageSize} pixels aligned to {alignment}: expected multiples of {Config.PatchSize * Cells}");
        Preprocessor = new UhdTiles(Config.ImageSize, alignment, Styles.BilinearStretch, Styles.BicubicPad, source.Rules);
    }

    /// <inheritdoc/>
    public override Preprocessor Preprocessor { get; }

    /// <inheritdoc/>
    public override ImageMarkers Markers => MiniCpmResampler.SliceMarkers;

    /// <inheritdoc/>
    public override int EmbeddingLength => _output.Outputs;

    /// <inheritdoc/>
    public override void Encode(EncodePass pass, ImageTile tile, Matrix embeddings)
    {
        using var frame = pass.Workspace.Frame();
        PatchGrid grid = Grid(tile.Size);
        var order = PatchOrder.NestedBlocks(grid);
        Matrix x = Embed(pass, tile, order);
        Sequence full = Tower.Begin(pass.Workspace, x, grid, order);
        Tower.RunBlocks(pass, x, full, 0, _mergeAfter + 1);

        PatchGrid reduced = grid.Blocks(Side);
        Matrix merged = pass.Workspace.RentDense(reduced.Count, Config.Width);
        MergeBlocks(pass.Workspace, x, merged);
        var small = Sequence.Create(pass.Workspace, reduced, PatchOrder.RowMajor(reduced), 0, new TransformerOptions());
        Tower.RunBlocks(pass, merged, small, _mergeAfter + 1, Tower.BlockCount);
        Tower.End(pass.Workspace, merged);
        Project(pass.Workspace, merged, reduced, embeddings);
    }

    /// <inheritdoc/>
    protected override void Project(Workspace workspace, Matrix patches, PatchGrid grid, Matrix embeddings)
    {
        Matrix blocks = Rows.Concatenate(patches, Cells);
        _outputNorm.Forward(workspace, blocks, blocks);
        _output.Forward(workspace, blocks, embeddings, add: false);
    }

    /// <summary>x += attention inside each block; merged = mean of the block + MLP(LN(block)).</summary>
    private void MergeBlocks(Workspace workspace, Matrix x, Matrix merged)
    {
        using var frame = workspace.Frame();
        int width = Config.Width;
        Matrix hidden = workspace.Rent(x.Rows, width), queryKeyValue = workspace.Rent(x.Rows, 3 * width);
        _attentionNorm.Forward(workspace, x, hidden);
        _queryKeyValue.Forward(workspace, hidden, queryKeyValue);
        var ranges = new KeyRange[x.Rows];
        for (int i = 0; i < ranges.Length; i++) ranges[i] = new KeyRange(i / Cells * Cells, i / Cells * Cells + Cells);
        Attention.Forward(workspace, AttentionShape.MultiHead(Config.Heads, Config.HeadSize), queryKeyValue.SliceColumns(0, width),
            queryKeyValue.SliceColumns(width, width), queryKeyValue.SliceColumns(2 * width, width), ranges, hidden);
        _attentionOut.Forward(workspace, hidden, x, add: true);

        Rows.Mean(x, Cells, merged);
        Matrix blocks = Rows.Concatenate(x, Cells);
        Matrix normed = workspace.Rent(blocks.Rows, blocks.Columns);
        _mergeNorm.Forward(workspace, blocks, normed);
        _merge.Forward(workspace, normed, merged, add: true);
    }
}
