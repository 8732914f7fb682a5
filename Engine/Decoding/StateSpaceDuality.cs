using TinyMllm.Kernels.Elementwise;
using TinyMllm.Kernels.Recurrence;

namespace TinyMllm.Engine.Decoding;

/// <summary>
/// Mamba 2's mixer (arXiv:2405.21060, docs/models/text.md#mamba-2): heads with one decay each, B and C shared by groups of heads.
/// </summary>
internal sealed unsafe class StateSpaceDuality : ITokenMixer
{
    /// <summary>n → 2D + 2GN + H: gate z; x, B and C; time step.</summary>
    public required Linear Input { get; init; }

    /// <summary>Causal convolution over D + 2GN channels.</summary>
    public required CausalConvolutionLayer Convolution { get; init; }

    /// <summary>[H] bias of the time step.</summary>
    public required FloatWeights TimeStepBias { get; init; }

    /// <summary>[H] rates, −exp(A_log).</summary>
    public required FloatWeights Rates { get; init; }

    /// <summary>[H] direct path.</summary>
    public required FloatWeights Skip { get; init; }

    /// <summary>Normalisation of each group of D/G channels.</summary>
    public required INorm Norm { get; init; }

    /// <summary>D → n.</summary>
    public required Linear Output { get; init; }

    /// <summary>Groups that share B and C, G.</summary>
    public required int Groups { get; init; }

    /// <summary>States per channel, N.</summary>
    public required int StateSize { get; init; }

    /// <inheritdoc/>
    public KvLayerShape CacheShape => new(0, 0, 0, Convolution.StateSize + (Channels * StateSize));

    private int Channels => Output.Inputs;

    private int Heads => (int)Rates.Length;

    /// <inheritdoc/>
    public void Forward(in DecoderPass pass, KvLayer cache, Matrix x, Matrix y, bool add)
    {
        var workspace = pass.Workspace;
        int channels = Channels, convolved = channels + (2 * Groups * StateSize);
        using (workspace.Frame())
        {
            var all = workspace.Rent(x.Rows, channels + convolved + Heads);
            Input.Forward(workspace, x, all);
            Matrix z = all.SliceColumns(0, channels), delta = all.SliceColumns(channels + convolved, Heads);

            var xbc = workspace.Rent(x.Rows, convolved);
            Convolution.Forward(workspace, all.SliceColumns(channels, convolved), xbc, cache.State[..Convolution.StateSize]);
            Activations.Apply(workspace, Activation.Silu, xbc, xbc);
            for (int t = 0; t < x.Rows; t++) VectorKernels.AddScaled(TimeStepBias.Pointer, 1, delta.Row(t), Heads);
            Activations.Apply(workspace, Activation.Softplus, delta, delta);

            var result = workspace.Rent(x.Rows, channels);
            fixed (float* state = cache.State[Convolution.StateSize..])
            {
                float* rates = Rates.Pointer, skip = Skip.Pointer;
                var body = new Scan(xbc, delta, result, state, rates, skip, Heads, Groups, StateSize);
                workspace.Pool.For(Heads, ref body);
            }

            Activations.ApplyGated(workspace, Activation.Silu, z, result, result);
            Norm.ForwardHeads(workspace, result, result, channels / Groups);
            Output.Forward(workspace, result, y, add);
        }
    }

    /// <summary>One head through all tokens in turn.</summary>
    private readonly struct Scan(
        Matrix xbc, Matrix delta, Matrix result, float* state, float* rates, float* skip, int heads, int groups, int states) : IParallelBody
    {
        public void Run(int index)
        {
            int channels = result.Columns, width = channels / heads, group = index / (heads / groups);
            for (int t = 0; t < xbc.Rows; t++)
            {
                float* x = xbc.Row(t) + (index * width);
                float* b = xbc.Row(t) + channels + (group * states);
                float* c = b + (groups * states);
                float* y = result.Row(t) + (index * width);
                float step = delta.Row(t)[index], decay = MathF.Exp(step * rates[index]);
                for (int p = 0; p < width; p++)
                {
                    float* s = state + (((long)(index * width) + p) * states);
                    y[p] = SelectiveScan.StepWithDecay(s, b, c, decay, step * x[p], states) + (skip[index] * x[p]);
                }
            }
        }
    }
}
