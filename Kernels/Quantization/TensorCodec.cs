using System.Runtime.InteropServices;

namespace TinyMllm.Kernels.Quantization;

/// <summary>Decoding of stored blocks to float32.</summary>
public static class TensorCodec
{
    /// <summary>Decodes <paramref name="blocks"/> to <paramref name="values"/>.</summary>
    /// <exception cref="NotSupportedException">The type cannot be decoded.</exception>
    public static void Decode(TensorType type, ReadOnlySpan<byte> blocks, Span<float> values)
    {
        switch (type)
        {
            case TensorType.F32:
                MemoryMarshal.Cast<byte, float>(blocks)[..values.Length].CopyTo(values);
                break;
            case TensorType.F16:
                var halves = MemoryMarshal.Cast<byte, Half>(blocks);
                for (int i = 0; i < values.Length; i++) values[i] = (float)halves[i];
                break;
            default:
                throw new NotSupportedException($"tensor type {type}");
        }
    }
}
