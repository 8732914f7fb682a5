using TinyMllm.Engine;
using TinyMllm.Kernels.Quantization;

namespace TinyMllm.Tests.Engine;

/// <summary>Small random tensors in float32 that live until the set is disposed.</summary>
internal sealed unsafe class TestTensors(int seed = 1) : IDisposable
{
    private readonly List<NativeBuffer<float>> _buffers = [];
    private readonly Random _random = new(seed);

    public StoredTensor Random(params long[] dimensions) => Scaled(0.5f, 0, dimensions);

    public StoredTensor Scaled(float scale, float offset, params long[] dimensions)
    {
        var buffer = new NativeBuffer<float>(dimensions.Aggregate(1L, (a, b) => a * b));
        _buffers.Add(buffer);
        foreach (ref float value in buffer.Span) value = offset + (scale * ((2 * _random.NextSingle()) - 1));
        return new StoredTensor($"test.{_buffers.Count}", TensorType.F32, dimensions, (byte*)buffer.Pointer);
    }

    public Matrix Rows(int rows, int columns)
    {
        var tensor = Scaled(1, 0, columns, rows);
        return new Matrix((float*)tensor.Data, rows, columns);
    }

    public void Dispose()
    {
        foreach (var buffer in _buffers) buffer.Dispose();
    }

    public static float[] Values(StoredTensor tensor)
    {
        float[] values = new float[tensor.ElementCount];
        tensor.DecodeTo(values);
        return values;
    }

    /// <summary>W·x with the matrix as stored.</summary>
    public static float[] Product(StoredTensor weight, ReadOnlySpan<float> x)
    {
        float[] w = Values(weight), y = new float[weight.Rows];
        for (int o = 0; o < y.Length; o++)
        {
            double sum = 0;
            for (int i = 0; i < x.Length; i++) sum += (double)w[(o * weight.Columns) + i] * x[i];
            y[o] = (float)sum;
        }

        return y;
    }
}
