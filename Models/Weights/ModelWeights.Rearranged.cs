using TinyMllm.Engine;

namespace TinyMllm.Weights;

/// <summary>Matrices that files store in another order than the layers read them: mostly convolutions, which become matrix products over windows.</summary>
internal sealed unsafe partial class ModelWeights
{
    /// <summary>
    /// A convolution as a matrix product over windows in the order (ky, kx, channel); the file has (channel, ky, kx).
    /// </summary>
    /// <param name="prefix">Name of the layer.</param>
    /// <param name="kernel">Side of the window.</param>
    /// <param name="channels">Input channels.</param>
    /// <param name="outputs">Output channels; 0: any.</param>
    /// <param name="second">Name of a second kernel that sees the same window (the second frame of a still picture), or null.</param>
    public Linear Convolution(string prefix, int kernel, int channels, int outputs = 0, string? second = null)
    {
        StoredTensor stored = Get(prefix + ".weight", kernel, kernel, channels, outputs);
        outputs = stored.Dimension(3);
        StoredTensor? added = second is null ? null : Get(second, kernel, kernel, channels, outputs);
        var matrix = new RearrangedTensor(stored.Name, [kernel * kernel * channels, outputs], () =>
        {
            NativeBuffer<float> weight = ChannelsLast(stored, kernel, channels, outputs);
            if (added is null) return weight;
            using NativeBuffer<float> other = ChannelsLast(added, kernel, channels, outputs);
            for (int i = 0; i < weight.Length; i++) weight.Span[i] += other.Span[i];
            return weight;
        });
        return Linear(matrix, Find(prefix + ".bias", outputs));
    }

    /// <summary>A matrix whose inputs are windows stored (channel, ky, kx): as <see cref="Convolution"/>, for a two-dimensional tensor.</summary>
    public Linear WindowMatrix(string prefix, int kernel, int channels, int outputs)
    {
        (StoredTensor stored, StoredTensor? bias) = Pair(prefix, kernel * kernel * channels, outputs);
        var matrix = new RearrangedTensor(stored.Name, [stored.Columns, outputs], () => ChannelsLast(stored, kernel, channels, outputs));
        return Linear(matrix, bias);
    }

    /// <summary>A matrix stored [outputs, inputs] instead of [inputs, outputs] (Gemma 3).</summary>
    public Linear TransposedLinear(string prefix, int inputs)
    {
        StoredTensor stored = Get(prefix + ".weight", 0, inputs);
        int outputs = stored.Columns;
        var matrix = new RearrangedTensor(stored.Name, [inputs, outputs], () =>
        {
            using NativeBuffer<float> values = Decode(stored);
            var weight = new NativeBuffer<float>(values.Length);
            for (int o = 0; o < outputs; o++)
                for (int i = 0; i < inputs; i++) weight.Pointer[(long)o * inputs + i] = values.Pointer[(long)i * outputs + o];
            return weight;
        });
        return Linear(matrix, Find(prefix + ".bias", outputs));
    }

    /// <summary>A depthwise kernel, stored [K, K, channels] or [K, K, 1, channels], as (ky, kx, channel).</summary>
    public FloatWeights DepthwiseKernel(string name, int kernel, int channels)
    {
        StoredTensor stored = Get(name);
        int length = kernel * kernel * channels;
        if (stored.Dimension(0) != kernel || stored.Dimension(1) != kernel || stored.ElementCount != length)
            throw Wrong(stored, $"[{kernel}, {kernel}, {channels}]");
        return Floats(new RearrangedTensor(name, [length], () => ChannelsLast(stored, kernel, channels, 1)));
    }

    /// <summary>[output, channel, window] → [output, window, channel].</summary>
    private static NativeBuffer<float> ChannelsLast(StoredTensor stored, int kernel, int channels, int outputs)
    {
        using NativeBuffer<float> values = Decode(stored);
        var result = new NativeBuffer<float>(values.Length);
        int window = kernel * kernel;
        ReadOnlySpan<float> from = values.Span;
        Span<float> target = result.Span;
        for (int o = 0; o < outputs; o++)
        {
            for (int c = 0; c < channels; c++)
                for (int k = 0; k < window; k++) target[(o * window + k) * channels + c] = from[(o * channels + c) * window + k];
        }

        return result;
    }

    private static NativeBuffer<float> Decode(StoredTensor stored)
    {
        NativeBuffer<float> values = stored.DecodeToBuffer();
        stored.Release();
        return values;
    }
}
