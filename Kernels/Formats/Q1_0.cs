using System.Runtime.InteropServices;
using TinyMllm.Kernels.Quantization;

namespace TinyMllm.Kernels.Formats;

/// <summary>
/// 128 signs in 18 bytes: x ≈ ±d, d the mean magnitude.
/// <code>
/// | d: half | 128 bits, lowest first: 1 for +d, 0 for −d |
/// </code>
/// </summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
internal struct Q1_0 : IEncodableBlock<Q1_0>
{
    public Half Scale;
    public Bytes16 Signs;

    public static int Length => 128;

    public readonly bool IsValid => Half.IsFinite(Scale);

    public static void Encode(ReadOnlySpan<float> values, ref Q1_0 block)
    {
        block = default;
        float sum = 0;
        for (int i = 0; i < 128; i++)
        {
            sum += MathF.Abs(values[i]);
            if (values[i] >= 0) block.Signs[i / 8] |= (byte)(1 << (i % 8));
        }

        block.Scale = HalfConversion.FromSingle(sum / 128);
    }

    public readonly void Decode(Span<float> values)
    {
        float d = (float)Scale;
        for (int i = 0; i < 128; i++) values[i] = ((Signs[i / 8] >> (i % 8)) & 1) != 0 ? d : -d;
    }
}
