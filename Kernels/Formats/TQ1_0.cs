using System.Runtime.InteropServices;
using TinyMllm.Kernels.Quantization;

namespace TinyMllm.Kernels.Formats;

/// <summary>
/// 256 ternary values in 54 bytes: x ≈ d·(t − 1), t in 0 … 2, five to a byte.
/// <code>
/// | 48 bytes of five digits | 4 bytes of four digits | d: half |
/// </code>
/// A byte is a fraction in base 3: 256·0.t₀t₁t₂t₃t₄, rounded up, so that multiplying by 3 brings one digit after another
/// above 256. Digit n of byte m is value 32n + m (m &lt; 32), 160 + 16n + (m − 32) (m &lt; 48), 240 + 4n + (m − 48).
/// </summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
internal struct TQ1_0 : IEncodableBlock<TQ1_0>
{
    public Bytes32 Quants32;
    public Bytes16 Quants16;
    public Bytes4 Quants4;
    public Half Scale;

    public static int Length => 256;

    public readonly bool IsValid => Half.IsFinite(Scale);

    public static void Encode(ReadOnlySpan<float> values, ref TQ1_0 block)
    {
        float d = Rounding.Magnitude(values);
        float inverse = Rounding.InverseOrZero(d);
        block.Scale = HalfConversion.FromSingle(d);
        EncodeDigits(values[..160], inverse, block.Quants32);
        EncodeDigits(values[160..240], inverse, block.Quants16);
        EncodeDigits(values[240..], inverse, block.Quants4);
    }

    public readonly void Decode(Span<float> values)
    {
        float d = (float)Scale;
        DecodeDigits(Quants32, d, values[..160]);
        DecodeDigits(Quants16, d, values[160..240]);
        DecodeDigits(Quants4, d, values[240..]);
    }

    private static void EncodeDigits(ReadOnlySpan<float> values, float inverse, Span<byte> bytes)
    {
        int stride = bytes.Length;
        for (int m = 0; m < stride; m++)
        {
            int number = 0;
            for (int n = 0; n < 5; n++)
            {
                int i = (stride * n) + m;
                int digit = i < values.Length ? Rounding.NearestAwayFromZero(values[i] * inverse) + 1 : 0;
                number = (3 * number) + digit;
            }

            bytes[m] = (byte)(((number * 256) + 242) / 243);
        }
    }

    private static void DecodeDigits(ReadOnlySpan<byte> bytes, float d, Span<float> values)
    {
        for (int i = 0, n = 0, power = 1; i < values.Length; n++, power *= 3)
        {
            for (int m = 0; m < bytes.Length; m++, i++)
            {
                int digit = ((byte)(bytes[m] * power) * 3) >> 8;
                values[i] = (digit - 1) * d;
            }
        }
    }
}
