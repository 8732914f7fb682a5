using TinyMllm.Engine;
using TinyMllm.Kernels.Elementwise;
using TinyMllm.Vision.Preprocessing;
using TinyMllm.Vision.Transformer;
using TinyMllm.Weights;

namespace TinyMllm.Vision.Families;

/// <summary>
/// LLaVA, moondream2, Bunny, nanoLLaVA, granite-vision 3, Yi-VL (<c>mlp</c>): chosen hidden states, side by side, through two matrices;
/// Yi-VL has a norm behind each.
/// </summary>
internal sealed class Llava : LlavaFamily
{
    private readonly int[] _features;
    private readonly Linear _first, _second;
    private readonly INorm? _firstNorm, _secondNorm;

    public Llava(VisionSource source)
        : base(source)
    {
        ModelWeights weights = source.Weights;
        _features = FeatureLayers(source);
        _first = weights.Linear("mm.0", Config.Width * Math.Max(1, _features.Length));
        bool normed = weights.Has("mm.3.weight");
        _second = weights.Linear(normed ? "mm.3" : "mm.2", _first.Outputs);
        if (!normed) return;
        _firstNorm = weights.Norm("mm.1", _first.Outputs, NormKind.Layer, Config.Epsilon);
        _secondNorm = weights.Norm("mm.4", _second.Outputs, NormKind.Layer, Config.Epsilon);
    }

    /// <inheritdoc/>
    public override int EmbeddingLength => _second.Outputs;

    /// <inheritdoc/>
    public override void Encode(EncodePass pass, ImageTile tile, Matrix embeddings)
    {
        if (_features.Length == 0)
        {
            base.Encode(pass, tile, embeddings);
            return;
        }

        using var frame = pass.Workspace.Frame();
        PatchGrid grid = Grid(tile.Size);
        var order = PatchOrder.RowMajor(grid);
        Matrix x = Embed(pass, tile, order);
        Sequence sequence = Tower.Begin(pass.Workspace, x, grid, order);
        Matrix features = pass.Workspace.Rent(grid.Count, _first.Inputs);
        int done = 0;
        for (int i = 0; i < _features.Length; i++)
        {
            Tower.RunBlocks(pass, x, sequence, done, _features[i]);
            done = _features[i];
            if (done == Tower.BlockCount) Tower.End(pass.Workspace, x);
            x.Slice(FirstOutput, grid.Count).CopyTo(features.SliceColumns(i * Config.Width, Config.Width));
        }

        Project(pass.Workspace, features, grid, embeddings);
    }

    /// <inheritdoc/>
    protected override void Project(Workspace workspace, Matrix patches, PatchGrid grid, Matrix embeddings)
    {
        using var frame = workspace.Frame();
        Matrix hidden = workspace.Rent(patches.Rows, _first.Outputs);
        _first.Forward(workspace, patches, hidden);
        _firstNorm?.Forward(workspace, hidden, hidden);
        Activations.Apply(workspace, Activation.GeluTanh, hidden, hidden);
        _second.Forward(workspace, hidden, embeddings);
        _secondNorm?.Forward(workspace, embeddings, embeddings);
    }
}
