using TinyMllm.Engine;
using TinyMllm.Kernels.Elementwise;
using TinyMllm.Vision.Families;
using TinyMllm.Vision.Transformer;
using TinyMllm.Weights;

namespace TinyMllm.Vision.Sam;

/// <summary>
/// A block of SAM's encoder: attention with relative positions inside windows or over everything, then a feed-forward layer.
/// </summary>
internal sealed class SamBlock
{
    private readonly SamOptions _options;
    private readonly INorm _attentionNorm, _feedForwardNorm;
    private readonly Linear _queryKeyValue, _attentionOut;
    private readonly RelativePositions _positions;
    private readonly Mlp _feedForward;

    /// <summary>Takes the tensors <c>prefix.*</c>.</summary>
    public SamBlock(ModelWeights weights, string prefix, SamOptions options, Activation activation)
    {
        _options = options;
        int width = options.Width;
        _attentionNorm = weights.Norm($"{prefix}.pre_ln", width, NormKind.Layer, options.Epsilon);
        _queryKeyValue = weights.Linear($"{prefix}.attn.qkv", width, 3 * width);
        _positions = new RelativePositions(weights, $"{prefix}.attn", options.HeadSize);
        _attentionOut = weights.Linear($"{prefix}.attn.out", width, width);
        _feedForwardNorm = weights.Norm($"{prefix}.post_ln", width, NormKind.Layer, options.Epsilon);
        _feedForward = weights.Mlp($"{prefix}.mlp.lin1", $"{prefix}.mlp.lin2", width, activation, width);
    }

    /// <summary>Applies the block to <paramref name="x"/> in place.</summary>
    /// <param name="workspace">Threads and scratch.</param>
    /// <param name="x">[patches, width], row-major.</param>
    /// <param name="windows">The windows to attend in.</param>
    public void Forward(Workspace workspace, Matrix x, SamWindows windows)
    {
        using var frame = workspace.Frame();
        Matrix normed = workspace.Rent(x.Rows, x.Columns);
        _attentionNorm.Forward(workspace, x, normed);
        Matrix cells = workspace.Rent(windows.Cells.Length, x.Columns);
        windows.Gather(normed, cells);
        Attend(workspace, cells, windows);
        windows.AddBack(cells, x);

        _feedForwardNorm.Forward(workspace, x, normed);
        _feedForward.Forward(workspace, normed, x, add: true);
    }

    private void Attend(Workspace workspace, Matrix cells, SamWindows windows)
    {
        using var frame = workspace.Frame();
        (int width, int heads, int size) = (_options.Width, _options.Heads, _options.HeadSize);
        int extended = RelativePositions.ExtendedSize(size, windows.Side);
        Matrix queryKeyValue = workspace.Rent(cells.Rows, 3 * width), output = workspace.Rent(cells.Rows, width);
        Matrix query = workspace.Rent(cells.Rows, heads * extended), key = workspace.Rent(cells.Rows, heads * extended);
        _queryKeyValue.Forward(workspace, cells, queryKeyValue);
        _positions.Extend(workspace, windows.Side, heads, queryKeyValue.SliceColumns(0, width), queryKeyValue.SliceColumns(width, width), query, key);
        Attention.Forward(workspace, new AttentionShape(heads, heads, extended, size, Scale: 1), query, key, queryKeyValue.SliceColumns(2 * width, width),
            windows.Ranges, output);
        _attentionOut.Forward(workspace, output, cells);
    }
}
