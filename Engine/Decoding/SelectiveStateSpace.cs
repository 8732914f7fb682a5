using TinyMllm.Kernels.Elementwise;
using TinyMllm.Kernels.Recurrence;

namespace TinyMllm.Engine.Decoding;

/// <summary>
/// Mamba's mixer (arXiv:2312.00752, docs/models/text.md#mamba): convolution, then a recurrence whose step and weights depend on the token.
/// </summary>
internal sealed unsafe class SelectiveStateSpace : ITokenMixer
{
    /// <summary>n → 2D: u, then the gate z.</summary>
    public required Linear Input { get; init; }

    /// <summary>Causal convolution over D channels.</summary>
    public required CausalConvolutionLayer Convolution { get; init; }

    /// <summary>D → R + 2N: the low-rank time step, B, C.</summary>
    public required Linear Selection { get; init; }

    /// <summary>R → D, with bias.</summary>
    public required Linear TimeStep { get; init; }

    /// <summary>[D, N] rates, −exp(A_log).</summary>
    public required FloatWeights Rates { get; init; }

    /// <summary>[D] direct path.</summary>
    public required FloatWeights Skip { get; init; }

    /// <summary>D → n.</summary>
    public required Linear Output { get; init; }

    /// <summary>Normalisation (without weight) of time step, B and C; null = none.</summary>
    public INorm? SelectionNorm { get; init; }

    /// <summary>States per channel, N.</summary>
    public required int StateSize { get; init; }

    private const int ChannelsPerTask = 64;

    /// <inheritdoc/>
    public KvLayerShape CacheShape => new(0, 0, 0, Convolution.StateSize + (Channels * StateSize));

    private int Channels => Output.Inputs;

    /// <inheritdoc/>
    public void Forward(in DecoderPass pass, KvLayer cache, Matrix x, Matrix y, bool add)
    {
        var workspace = pass.Workspace;
        int channels = Channels, rank = TimeStep.Inputs, states = StateSize;
        using (workspace.Frame())
        {
            var all = workspace.Rent(x.Rows, 2 * channels);
            Input.Forward(workspace, x, all);
            Matrix z = all.SliceColumns(channels, channels);

            var u = workspace.Rent(x.Rows, channels);
            Convolution.Forward(workspace, all.SliceColumns(0, channels), u, cache.State[..Convolution.StateSize]);
            Activations.Apply(workspace, Activation.Silu, u, u);

            var selection = workspace.Rent(x.Rows, rank + (2 * states));
            Selection.Forward(workspace, u, selection);
            Matrix low = selection.SliceColumns(0, rank);
            Matrix b = selection.SliceColumns(rank, states), c = selection.SliceColumns(rank + states, states);
            if (SelectionNorm is { } norm)
            {
                norm.Forward(workspace, low, low);
                norm.Forward(workspace, b, b);
                norm.Forward(workspace, c, c);
            }

            var delta = workspace.Rent(x.Rows, channels);
            TimeStep.Forward(workspace, low, delta);
            Activations.Apply(workspace, Activation.Softplus, delta, delta);
            fixed (float* state = cache.State[Convolution.StateSize..])
            {
                // The result takes the place of the time step, element by element.
                var body = new Scan(u, delta, b, c, state, Rates.Pointer, Skip.Pointer, states);
                workspace.Pool.For((channels + ChannelsPerTask - 1) / ChannelsPerTask, ref body);
            }

            Activations.ApplyGated(workspace, Activation.Silu, z, delta, delta);
            Output.Forward(workspace, delta, y, add);
        }
    }

    /// <summary>A group of channels through all tokens in turn.</summary>
    private readonly struct Scan(
        Matrix u, Matrix delta, Matrix b, Matrix c, float* state, float* rates, float* skip, int states) : IParallelBody
    {
        public void Run(int index)
        {
            int end = Math.Min(u.Columns, (index + 1) * ChannelsPerTask);
            for (int channel = index * ChannelsPerTask; channel < end; channel++)
            {
                float* s = state + ((long)channel * states), a = rates + ((long)channel * states);
                for (int t = 0; t < u.Rows; t++)
                {
                    float input = u.Row(t)[channel];
                    float* step = delta.Row(t) + channel;
                    *step = SelectiveScan.Step(s, a, b.Row(t), c.Row(t), *step, input, states) + (skip[channel] * input);
                }
            }
        }
    }
}
