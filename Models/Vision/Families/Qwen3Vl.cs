using TinyMllm.Engine;
using TinyMllm.Vision.Transformer;

namespace TinyMllm.Vision.Families;

/// <summary>
/// Qwen3-VL (<c>qwen3vl_merger</c>): learned positions and rotary embedding, tanh-GELU; after some blocks the merged state is also
/// projected for the first layers of the decoder (deepstack). A row is [embedding, slice for layer 0, slice for layer 1, …].
/// </summary>
internal sealed class Qwen3Vl : QwenFamily
{
    private readonly SortedDictionary<int, Deepstack> _deepstack = [];

    public Qwen3Vl(VisionSource source)
        : base(source, Options(source), MergerGelu(source), minTokens: 64)
    {
        for (int block = 0; block < Config.BlockCount; block++)
        {
            if (source.Weights.Has($"v.deepstack.{block}.fc1.weight"))
                _deepstack[block] = new Deepstack(source, $"v.deepstack.{block}", Config.Width * BlockSide * BlockSide, base.EmbeddingLength);
        }
    }

    /// <inheritdoc/>
    public override int EmbeddingLength => base.EmbeddingLength * EmbeddingSlices;

    /// <inheritdoc/>
    public override int EmbeddingSlices => 1 + _deepstack.Count;

    /// <inheritdoc/>
    public override void Encode(EncodePass pass, ImageTile tile, Matrix embeddings)
    {
        using var frame = pass.Workspace.Frame();
        PatchGrid grid = Grid(tile.Size);
        var order = PatchOrder.Blocks(grid, BlockSide);
        Matrix x = Embed(pass, tile, order);
        Sequence sequence = Tower.Begin(pass.Workspace, x, grid, order);
        int width = base.EmbeddingLength, slice = 0, done = 0;
        foreach ((int block, Deepstack deepstack) in _deepstack)
        {
            Tower.RunBlocks(pass, x, sequence, done, block + 1);
            deepstack.Forward(pass.Workspace, Rows.Concatenate(x, BlockSide * BlockSide), embeddings.SliceColumns(++slice * width, width));
            done = block + 1;
        }

        Tower.RunBlocks(pass, x, sequence, done, Tower.BlockCount);
        Tower.End(pass.Workspace, x);
        Project(pass.Workspace, x, grid, embeddings.SliceColumns(0, width));
    }

    private static TransformerOptions Options(VisionSource source) => new()
    {
        Positions = source.Options.Follows(Quirks.AntialiasedPositions) ? PositionFitting.AntialiasedLinear : PositionFitting.CornerLinear,
    };

    /// <summary>Norm over the merged patches, two matrices.</summary>
    private sealed class Deepstack
    {
        private readonly INorm _norm;
        private readonly Mlp _mlp;

        public Deepstack(VisionSource source, string prefix, int inputs, int outputs)
        {
            _norm = source.Weights.Norm($"{prefix}.norm", inputs, NormKind.Layer, source.Config.Epsilon);
            _mlp = source.Weights.Mlp($"{prefix}.fc1", $"{prefix}.fc2", inputs, MergerGelu(source));
            if (_mlp.Outputs != outputs)
            {
                throw new UnsupportedModelException(
                    $"{source.Weights.Path}: tensor '{prefix}.fc2.weight': found {_mlp.Outputs} outputs, expected {outputs} as of mm.2.weight");
            }
        }

        public void Forward(Workspace workspace, Matrix merged, Matrix slice)
        {
            using var frame = workspace.Frame();
            Matrix normed = workspace.Rent(merged.Rows, merged.Columns);
            _norm.Forward(workspace, merged, normed);
            _mlp.Forward(workspace, normed, slice, add: false);
        }
    }
}
