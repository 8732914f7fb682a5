using TinyMllm.Kernels.Recurrence;

namespace TinyMllm.Engine.Decoding;

/// <summary>A depthwise causal convolution with the last K − 1 input rows as its state.</summary>
internal sealed unsafe class CausalConvolutionLayer : IStoredWeights
{
    private const int MaxTaps = 64;

    private readonly FloatWeights _weights;
    private readonly FloatWeights? _bias;
    private readonly int _taps;
    private readonly int _channels;

    /// <summary>Describes the layer; <see cref="Load"/> reads its weights.</summary>
    /// <param name="weight">[K, channels], taps contiguous.</param>
    /// <param name="bias">[channels], or null.</param>
    public CausalConvolutionLayer(StoredTensor weight, StoredTensor? bias)
    {
        (_taps, _channels) = (weight.Columns, weight.Rows);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(_taps, MaxTaps, nameof(weight));
        _weights = new FloatWeights(new RearrangedTensor(weight.Name, [_channels, _taps], () => ChannelsContiguous(weight)));
        _bias = bias is null ? null : new FloatWeights(bias);
    }

    /// <inheritdoc/>
    public long StoredBytes => _weights.StoredBytes + (_bias?.StoredBytes ?? 0);

    /// <summary>Floats of state.</summary>
    public int StateSize => (_taps - 1) * _channels;

    /// <summary>Convolves a chunk and moves the state on.</summary>
    /// <param name="workspace">Threads.</param>
    /// <param name="x">[tokens, channels].</param>
    /// <param name="y">[tokens, channels]; must not overlap x.</param>
    /// <param name="state"><see cref="StateSize"/> floats: the rows before the chunk, oldest first.</param>
    public void Forward(Workspace workspace, Matrix x, Matrix y, Span<float> state)
    {
        if (x.Columns != _channels || y.Columns != _channels || x.Rows != y.Rows || state.Length != StateSize)
        {
            throw new ArgumentException(
                $"convolution of {_channels} channels: input {x.Rows}×{x.Columns}, output {y.Rows}×{y.Columns}, state {state.Length}");
        }

        fixed (float* history = state)
        {
            var body = new Body(x, y, history, _weights.Pointer, _bias is null ? null : _bias.Pointer, _taps);
            workspace.Pool.For(x.Rows, ref body);
        }

        MoveState(x, state);
    }

    /// <inheritdoc/>
    public void Load()
    {
        _weights.Load();
        _bias?.Load();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _weights.Dispose();
        _bias?.Dispose();
    }

    /// <summary>[taps, channels] → [channels, taps]: the kernel reads one tap of all channels at a time.</summary>
    private static NativeBuffer<float> ChannelsContiguous(StoredTensor weight)
    {
        (int taps, int channels) = (weight.Columns, weight.Rows);
        using var stored = weight.DecodeToBuffer();
        var result = new NativeBuffer<float>(weight.ElementCount);
        for (int c = 0; c < channels; c++)
            for (int j = 0; j < taps; j++) result.Pointer[((long)j * channels) + c] = stored.Pointer[((long)c * taps) + j];
        return result;
    }

    private void MoveState(Matrix x, Span<float> state)
    {
        int kept = Math.Max(0, _taps - 1 - x.Rows);
        if (kept > 0) state[^(kept * _channels)..].CopyTo(state);
        for (int i = kept; i < _taps - 1; i++) x.RowSpan(x.Rows - (_taps - 1) + i).CopyTo(state[(i * _channels)..]);
    }

    private readonly struct Body(Matrix x, Matrix y, float* history, float* weights, float* bias, int taps) : IParallelBody
    {
        public void Run(int index)
        {
            float** inputs = stackalloc float*[MaxTaps];
            for (int j = 0; j < taps; j++)
            {
                int row = index - taps + 1 + j;
                inputs[j] = row >= 0 ? x.Row(row) : history + ((long)(row + taps - 1) * x.Columns);
            }

            CausalConvolution.Row(inputs, weights, bias, y.Row(index), taps, x.Columns);
        }
    }
}
