using TinyMllm.Engine;
using TinyMllm.Kernels.Elementwise;

namespace TinyMllm.Vision.Transformer;

/// <summary>
/// One block of a vision transformer (shared/spec/vision-models.md, 3.3): <c>x += ls₁·Wo·attention(norm₁(x))</c>, then <c>x += ls₂·ffn(norm₂(x))</c>.
/// What a file has no tensor for (biases, q/k norms, layer scales, gate) is left out. With norms behind the sublayers
/// (CogVLM) it is <c>x += norm₁(attention(x))</c>, <c>x += norm₂(ffn(x))</c>.
/// </summary>
internal sealed class VisionBlock
{
    /// <summary>Rows that go through the feed-forward layer together: bounds its scratch for large pictures.</summary>
    private const int FeedForwardRows = 1024;

    private readonly AttentionShape _shape;
    private readonly Activation _activation;
    private readonly RotaryEmbedding? _rotary;
    private readonly bool _normAfter;
    private readonly Norm _norm1, _norm2;
    private readonly Norm? _queryNorm, _keyNorm;
    private readonly int _queryNormWidth;
    private readonly Linear _queryKeyValue, _attentionOut, _up, _down;
    private readonly bool _gated;
    private readonly Matrix? _scale1, _scale2;

    /// <summary>Takes the tensors <c>prefix.*</c> of a block.</summary>
    public VisionBlock(VisionWeights weights, string prefix, VisionConfig config, TransformerOptions options)
    {
        int width = config.Width;
        (NormKind kind, float epsilon) = (options.Norm, config.Epsilon);
        _shape = AttentionShape.MultiHead(config.Heads, config.HeadSize);
        (_activation, _rotary, _normAfter) = (options.Activation ?? config.Activation, options.Rotary, options.NormsBehind);

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
        int hidden = weights.Outputs(up);
        _gated = weights.Has($"{prefix}.ffn_gate.weight");
        _up = _gated ? weights.Fuse(width, hidden, $"{prefix}.ffn_gate", up) : weights.Linear(up, width, hidden);
        _down = weights.Linear(down, hidden, width);
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
        Matrix hidden = workspace.Rent(x.Rows, width);
        Matrix queryKeyValue = workspace.Rent(x.Rows, 3 * width);
        if (!_normAfter) _norm1.Forward(workspace, x, hidden);
        _queryKeyValue.Forward(workspace, _normAfter ? x : hidden, queryKeyValue);

        Matrix query = queryKeyValue.SliceColumns(0, width);
        Matrix key = queryKeyValue.SliceColumns(width, width);
        Matrix value = queryKeyValue.SliceColumns(2 * width, width);
        _queryNorm?.ForwardHeads(workspace, query, query, _queryNormWidth);
        _keyNorm?.ForwardHeads(workspace, key, key, _queryNormWidth);
        _rotary?.Apply(workspace, rotaryTable, query, _shape.Heads, _shape.HeadSize);
        _rotary?.Apply(workspace, rotaryTable, key, _shape.Heads, _shape.HeadSize);

        Attention.Forward(workspace, _shape, query, key, value, ranges, hidden);
        AddSublayer(workspace, _attentionOut, hidden, _scale1, _norm1, x);
    }

    private void FeedForward(Workspace workspace, Matrix x)
    {
        using var frame = workspace.Frame();
        Matrix up = workspace.Rent(x.Rows, _up.Outputs);
        if (_normAfter) _up.Forward(workspace, x, up);
        else
        {
            Matrix normed = workspace.Rent(x.Rows, x.Columns);
            _norm2.Forward(workspace, x, normed);
            _up.Forward(workspace, normed, up);
        }

        Matrix hidden = up.SliceColumns(0, _down.Inputs);
        if (_gated) Activations.ApplyGated(workspace, _activation, hidden, up.SliceColumns(_down.Inputs, _down.Inputs), hidden);
        else Activations.Apply(workspace, _activation, hidden, hidden);
        AddSublayer(workspace, _down, hidden, _scale2, _norm2, x);
    }

    /// <summary>x += scale ⊙ W·input, or x += norm(W·input).</summary>
    private void AddSublayer(Workspace workspace, Linear linear, Matrix input, Matrix? scale, Norm norm, Matrix x)
    {
        if (!_normAfter && scale is null)
        {
            linear.ForwardAdd(workspace, input, x);
            return;
        }

        Matrix output = workspace.Rent(x.Rows, x.Columns);
        linear.Forward(workspace, input, output);
        if (_normAfter) norm.Forward(workspace, output, output);
        if (scale is { } factors) Activations.MultiplyByRow(workspace, output, factors, output);
        Activations.Add(workspace, output, x);
    }
}
