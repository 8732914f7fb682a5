using System.Runtime.InteropServices;

namespace TinyMllm.Kernels.Quantization;

/// <summary>
/// 32 values in 20 bytes: x ≈ d·q + m, q in 0 … 15, m the smallest value.
/// <code>
/// | d: half | m: half | 16 bytes: byte j holds q[j] below and q[j + 16] above |
/// </code>
/// </summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
internal struct Q4_1 : IQuantizedBlock<Q4_1>
{
    public Half Scale;
    public Half Minimum;
    public Bytes16 Quants;

    public static int Length => 32;

    public readonly bool IsValid => Half.IsFinite(Scale) && Half.IsFinite(Minimum);

    public static void Encode(ReadOnlySpan<float> values, ref Q4_1 block)
    {
        var (minimum, maximum) = Rounding.Range(values);
        float d = (maximum - minimum) / 15;
        float inverse = Rounding.InverseOrZero(d);
        block.Scale = HalfConversion.FromSingle(d);
        block.Minimum = HalfConversion.FromSingle(minimum);
        for (int j = 0; j < 16; j++)
        {
            int low = Quantize((values[j] - minimum) * inverse);
            int high = Quantize((values[j + 16] - minimum) * inverse);
            block.Quants[j] = (byte)(low | (high << 4));
        }
    }

    public readonly void Decode(Span<float> values)
    {
        float d = (float)Scale, m = (float)Minimum;
        for (int j = 0; j < 16; j++)
        {
            values[j] = ((Quants[j] & 15) * d) + m;
            values[j + 16] = ((Quants[j] >> 4) * d) + m;
        }
    }

    private static int Quantize(float x) => Math.Min(15, (int)(sbyte)Rounding.Truncate(x + 0.5f));
}
