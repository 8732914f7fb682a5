using TinyMllm.Kernels.Elementwise;

namespace TinyMllm.Engine.Decoding;

/// <summary>
/// LFM2's gated short convolution (docs/models/text.md#gated-short-convolution): [b; c; u] = in·x, then out·(c ⊙ conv(b ⊙ u)).
/// </summary>
/// <param name="input">n → 3n: b, c, u.</param>
/// <param name="convolution">Causal convolution over n channels.</param>
/// <param name="output">n → n.</param>
internal sealed class ShortConvolution(Linear input, CausalConvolutionLayer convolution, Linear output) : ITokenMixer
{
    /// <inheritdoc/>
    public KvLayerShape CacheShape => new(0, 0, 0, convolution.StateSize);

    /// <inheritdoc/>
    public void Forward(in DecoderPass pass, KvLayer cache, Matrix x, Matrix y, bool add)
    {
        var workspace = pass.Workspace;
        int n = output.Inputs;
        using (workspace.Frame())
        {
            var all = workspace.Rent(x.Rows, input.Outputs);
            input.Forward(workspace, x, all);
            Matrix b = all.SliceColumns(0, n), c = all.SliceColumns(n, n), u = all.SliceColumns(2 * n, n);
            Activations.ApplyGated(workspace, Activation.None, b, u, u);
            convolution.Forward(workspace, u, b, cache.State);
            Activations.ApplyGated(workspace, Activation.None, c, b, b);
            output.Forward(workspace, b, y, add);
        }
    }
}
