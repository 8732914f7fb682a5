using TinyMllm.Kernels.Elementwise;
using TinyMllm.Kernels.Recurrence;

namespace TinyMllm.Engine.Decoding;

/// <summary>
/// Qwen3.5's linear attention (gated delta rule, arXiv:2412.06464; docs/models/text.md#gated-delta-net): a matrix of fixed size per head
/// instead of a growing cache.
/// </summary>
internal sealed unsafe class GatedDeltaNet : ITokenMixer
{
    /// <summary>n → queries, keys, values; gate z; β; α, side by side.</summary>
    public required Linear Input { get; init; }

    /// <summary>Causal convolution over queries, keys and values.</summary>
    public required CausalConvolutionLayer Convolution { get; init; }

    /// <summary>[value heads] bias of the decay.</summary>
    public required FloatWeights DecayBias { get; init; }

    /// <summary>[value heads] rates, −exp(A_log).</summary>
    public required FloatWeights Rates { get; init; }

    /// <summary>Normalisation of each value head.</summary>
    public required INorm Norm { get; init; }

    /// <summary>Value heads to stream.</summary>
    public required Linear Output { get; init; }

    /// <summary>Heads of queries and keys, Hq.</summary>
    public required int KeyHeads { get; init; }

    /// <summary>Heads of values, Hv.</summary>
    public required int ValueHeads { get; init; }

    /// <summary>Width of every head, S.</summary>
    public required int HeadSize { get; init; }

    /// <summary>ε of the lengths that queries and keys are divided by.</summary>
    public required float Epsilon { get; init; }

    /// <summary>
    /// Divides queries and keys by max(‖x‖, ε), as llama.cpp did until 31 August 2026; else, as the original does, by √(‖x‖² + ε). With the
    /// usual ε of 1e-6 they differ by one part in a thousand at a length of 0.02.
    /// </summary>
    public bool ClampsLengths { get; init; }

    /// <inheritdoc/>
    public KvLayerShape CacheShape => new(0, 0, 0, Convolution.StateSize + (ValueColumns * HeadSize));

    private int KeyColumns => KeyHeads * HeadSize;

    private int ValueColumns => ValueHeads * HeadSize;

    /// <inheritdoc/>
    public void Forward(in DecoderPass pass, KvLayer cache, Matrix x, Matrix y, bool add)
    {
        var workspace = pass.Workspace;
        int convolved = (2 * KeyColumns) + ValueColumns;
        using (workspace.Frame())
        {
            var all = workspace.Rent(x.Rows, Input.Outputs);
            Input.Forward(workspace, x, all);
            var z = all.SliceColumns(convolved, ValueColumns);
            var beta = all.SliceColumns(convolved + ValueColumns, ValueHeads);
            var decay = all.SliceColumns(convolved + ValueColumns + ValueHeads, ValueHeads);

            var u = workspace.Rent(x.Rows, convolved);
            Convolution.Forward(workspace, all.SliceColumns(0, convolved), u, cache.State[..Convolution.StateSize]);
            Activations.Apply(workspace, Activation.Silu, u, u);
            for (int t = 0; t < x.Rows; t++) Prepare(u.Row(t), beta.Row(t), decay.Row(t));

            var result = workspace.Rent(x.Rows, ValueColumns);
            fixed (float* state = cache.State[Convolution.StateSize..])
            {
                var body = new Recurrence(u, beta, decay, result, state, KeyHeads, HeadSize);
                workspace.Pool.For(ValueHeads, ref body);
            }

            Norm.ForwardHeads(workspace, result, result, HeadSize);
            Activations.ApplyGated(workspace, Activation.Silu, z, result, result);
            Output.Forward(workspace, result, y, add);
        }
    }

    /// <summary>Queries and keys to length one (queries by a further 1/√S), β to σ(β), α to e^(A·softplus(α + bias)).</summary>
    private void Prepare(float* u, float* beta, float* decay)
    {
        int size = HeadSize;
        for (int h = 0; h < 2 * KeyHeads; h++)
        {
            float* head = u + (h * size);
            float square = VectorKernels.Dot(head, head, size);
            float length = ClampsLengths ? MathF.Max(MathF.Sqrt(square), Epsilon) : MathF.Sqrt(square + Epsilon);
            VectorKernels.Scale(head, (h < KeyHeads ? 1 / MathF.Sqrt(size) : 1) / length, head, size);
        }

        ActivationKernels.Apply(Activation.Sigmoid, beta, beta, ValueHeads);
        VectorKernels.AddScaled(DecayBias.Pointer, 1, decay, ValueHeads);
        ActivationKernels.ApplyGated(Activation.Softplus, decay, Rates.Pointer, decay, ValueHeads);
        for (int h = 0; h < ValueHeads; h++) decay[h] = MathF.Exp(decay[h]);
    }

    /// <summary>One value head through all tokens in turn.</summary>
    private readonly struct Recurrence(
        Matrix u, Matrix beta, Matrix decay, Matrix result, float* state, int keyHeads, int size) : IParallelBody
    {
        public void Run(int index)
        {
            float* m = state + ((long)index * size * size);
            for (int t = 0; t < u.Rows; t++)
            {
                float* q = u.Row(t) + (index % keyHeads * size);
                float* k = q + (keyHeads * size);
                float* v = u.Row(t) + (2 * keyHeads * size) + (index * size);
                DeltaRule.Step(m, q, k, v, decay.Row(t)[index], beta.Row(t)[index], result.Row(t) + (index * size), size, size);
            }
        }
    }
}
