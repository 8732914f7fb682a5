using TinyMllm.Engine;
using TinyMllm.Kernels.Elementwise;
using TinyMllm.Weights;

namespace TinyMllm.Vision.Transformer;

/// <summary>
/// One block of a vision transformer (docs/models/vision.md#transformer-block): <c>x += ls₁·Wo·attention(norm₁(x))</c>, then <c>x +=
/// ls₂·ffn(norm₂(x))</c>. What a file has no tensor for (biases, q/k norms, layer scales, gate) is left out. With norms behind the
/// sublayers (CogVLM) it is <c>x += norm₁(attention(x))</c>, <c>x += norm₂(ffn(x))</c>.
/// </summary>
internal sealed class VisionBlock
{
    /// <summary>Rows that go through the feed-forward layer together: bounds its scratch, and what is between its two products stays within the caches.</summary>
    private const int FeedForwardRows = 256;

    private readonly AttentionShape _shape;
    private readonly RotaryEmbedding? _rotary;
    private readonly bool _normAfter;
    private readonly INorm _norm1, _norm2;
    private readonly INorm? _queryNorm, _keyNorm;
    private readonly int _queryNormWidth;
    private readonly Linear _queryKeyValue, _attentionOut;
    private readonly IFeedForward _feedForward;
    private readonly FloatWeights? _scale1, _scale2;

    /// <summary>Takes the tensors <c>prefix.*</c> of a block.</summary>
    public VisionBlock(ModelWeights weights, string prefix, VisionConfig config, TransformerOptions options)
    {
        int width = config.Width;
        (NormKind kind, float epsilon) = (options.Norm, config.Epsilon);
        _shape = AttentionShape.MultiHead(config.Heads, config.HeadSize);
        (_rotary, _normAfter) = (options.Rotary, options.NormsBehind);

        _norm1 = weights.Norm($"{prefix}.ln1", width, kind, epsilon);
        _norm2 = weights.Norm($"{prefix}.ln2", width, kind, epsilon);
        _queryKeyValue = weights.Has($"{prefix}.attn_qkv.weight")
            ? weights.Linear($"{prefix}.attn_qkv", width, 3 * width)
            : weights.Fuse(width, width, $"{prefix}.attn_q", $"{prefix}.attn_k", $"{prefix}.attn_v");
        if (weights.Has($"{prefix}.attn_q_norm.weight"))
        {
            _queryNormWidth = weights.Columns($"{prefix}.attn_q_norm.weight") == config.HeadSize ? config.HeadSize : width;
            _queryNorm = weights.Norm($"{prefix}.attn_q_norm", _queryNormWidth, kind, epsilon);
            _keyNorm = weights.Norm($"{prefix}.attn_k_norm", _queryNormWidth, kind, epsilon);
        }

        _attentionOut = weights.Linear($"{prefix}.attn_out", width, width);
        _scale1 = weights.OptionalFloats($"{prefix}.ls1.weight", width);
        _scale2 = weights.OptionalFloats($"{prefix}.ls2.weight", width);

        // Old converters stored fc1 as ffn_down and fc2 as ffn_up.
        bool swapped = options.FeedForwardNamesMayBeSwapped && weights.Columns($"{prefix}.ffn_down.weight") == width;
        string up = $"{prefix}.{(swapped ? "ffn_down" : "ffn_up")}", down = $"{prefix}.{(swapped ? "ffn_up" : "ffn_down")}";
        Activation activation = options.Activation ?? config.Activation;
        _feedForward = weights.Has($"{prefix}.ffn_gate.weight")
            ? weights.GatedMlp($"{prefix}.ffn_gate", up, down, width, width, activation)
            : weights.Mlp(up, down, width, activation, width);
    }

    /// <summary>Applies the block to <paramref name="x"/> in place.</summary>
    /// <param name="workspace">Threads and scratch.</param>
    /// <param name="x">[elements, width].</param>
    /// <param name="rotaryTable">Cosines and sines of the elements, if the tower has rotary embedding.</param>
    /// <param name="ranges">The keys that each element sees.</param>
    public void Forward(Workspace workspace, Matrix x, Matrix rotaryTable, ReadOnlySpan<KeyRange> ranges)
    {
        Attend(workspace, x, rotaryTable, ranges);
        for (int first = 0; first < x.Rows; first += FeedForwardRows)
            FeedForward(workspace, x.Slice(first, Math.Min(FeedForwardRows, x.Rows - first)));
    }

    private void Attend(Workspace workspace, Matrix x, Matrix rotaryTable, ReadOnlySpan<KeyRange> ranges)
    {
        using var frame = workspace.Frame();
        int width = x.Columns;
        Matrix queryKeyValue = workspace.Rent(x.Rows, 3 * width);
        Project(workspace, x, queryKeyValue);
        Matrix query = queryKeyValue.SliceColumns(0, width);
        Matrix key = queryKeyValue.SliceColumns(width, width);
        Matrix value = queryKeyValue.SliceColumns(2 * width, width);
        _queryNorm?.ForwardHeads(workspace, query, query, _queryNormWidth);
        _keyNorm?.ForwardHeads(workspace, key, key, _queryNormWidth);
        _rotary?.Apply(workspace, rotaryTable, query, _shape.Heads, _shape.HeadSize);
        _rotary?.Apply(workspace, rotaryTable, key, _shape.Heads, _shape.HeadSize);

        Matrix heads = query;
        Attention.Forward(workspace, _shape, query, key, value, ranges, heads);
        if (AddsDirectly(_scale1))
        {
            _attentionOut.Forward(workspace, heads, x, add: true);
            return;
        }

        Matrix output = workspace.Rent(x.Rows, width);
        _attentionOut.Forward(workspace, heads, output);
        AddBranch(workspace, output, _norm1, _scale1, x);
    }

    private void Project(Workspace workspace, Matrix x, Matrix queryKeyValue)
    {
        using var frame = workspace.Frame();
        Matrix normed = x;
        if (!_normAfter)
        {
            normed = workspace.Rent(x.Rows, x.Columns);
            _norm1.Forward(workspace, x, normed);
        }

        _queryKeyValue.Forward(workspace, normed, queryKeyValue);
    }

    private void FeedForward(Workspace workspace, Matrix x)
    {
        using var frame = workspace.Frame();
        Matrix normed = x;
        if (!_normAfter)
        {
            normed = workspace.Rent(x.Rows, x.Columns);
            _norm2.Forward(workspace, x, normed);
        }

        if (AddsDirectly(_scale2))
        {
            _feedForward.Forward(workspace, normed, x, add: true);
            return;
        }

        Matrix output = workspace.Rent(x.Rows, x.Columns);
        _feedForward.Forward(workspace, normed, output, add: false);
        AddBranch(workspace, output, _norm2, _scale2, x);
    }

    private bool AddsDirectly(FloatWeights? scale) => !_normAfter && scale is null;

    /// <summary>x += scale ⊙ branch, or x += norm(branch).</summary>
    private void AddBranch(Workspace workspace, Matrix branch, INorm norm, FloatWeights? scale, Matrix x)
    {
        if (_normAfter) norm.Forward(workspace, branch, branch);
        if (scale is { } factors) Activations.MultiplyByRow(workspace, branch, factors.Values, branch);
        Activations.Add(workspace, branch, x);
    }
}
