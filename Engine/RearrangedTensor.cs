using TinyMllm.Kernels.Quantization;

namespace TinyMllm.Engine;

/// <summary>
/// A float32 tensor whose values are computed from stored ones (another order, a sum of two) when they are first asked for.
/// <see cref="Release"/> frees them; asking again computes them anew.
/// </summary>
/// <param name="name">Name for messages: that of the stored tensor.</param>
/// <param name="dimensions">Sizes, contiguous one first.</param>
/// <param name="compute">Gives the values, which this tensor owns.</param>
internal sealed unsafe class RearrangedTensor(string name, long[] dimensions, Func<NativeBuffer<float>> compute)
    : StoredTensor(name, TensorType.F32, dimensions, null)
{
    private readonly Lock _lock = new();
    private NativeBuffer<float>? _values;

    /// <inheritdoc/>
    public override byte* Data
    {
        get
        {
            lock (_lock) return (byte*)(_values ??= compute()).Pointer;
        }
    }

    /// <inheritdoc/>
    public override void Release()
    {
        lock (_lock)
        {
            _values?.Dispose();
            _values = null;
        }
    }
}
