using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using TinyMllm.Kernels.MatMul;
using TinyMllm.Kernels.Quantization;
using TinyMllm.Kernels.Simd;

namespace TinyMllm.Kernels.Formats;

/// <summary>
/// 256 ternary values in 54 bytes: x ≈ d·(t − 1), t in 0 … 2, five to a byte.
/// <code>
/// byte  0                    32                   48                 52              54
///       ┌────────────────────┬────────────────────┬──────────────────┬───────────────┐
///       │ Quants32: 32 bytes │ Quants16: 16 bytes │ Quants4: 4 bytes │ Scale: half d │
///       └────────────────────┴────────────────────┴──────────────────┴───────────────┘
/// </code>
/// The last four bytes hold four digits each, the others five. A byte is a fraction in base 3: 256·0.t₀t₁t₂t₃t₄, rounded up, so that
/// multiplying by 3 brings one digit after another above 256. Digit n of byte m is value 32n + m (m &lt; 32), 160 + 16n + (m − 32) (m &lt;
/// 48), 240 + 4n + (m − 48).
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
        Span<byte> digits = stackalloc byte[256];
        DecodeDigits(digits);
        for (int i = 0; i < 256; i++) values[i] = (digits[i] - 1) * d;
    }

    /// <summary>The same values, two bits each.</summary>
    public readonly TQ2_0 ToTQ2_0()
    {
        Span<byte> digits = stackalloc byte[256];
        DecodeDigits(digits);
        var block = new TQ2_0 { Scale = Scale };
        for (int i = 0; i < 256; i++) block.Set(i, digits[i]);
        return block;
    }

    private readonly void DecodeDigits(Span<byte> digits)
    {
        DecodeDigits(Quants32, digits[..160]);
        DecodeDigits(Quants16, digits[160..240]);
        DecodeDigits(Quants4, digits[240..]);
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

    private static void DecodeDigits(ReadOnlySpan<byte> bytes, Span<byte> digits)
    {
        for (int i = 0, power = 1; i < digits.Length; power *= 3)
            for (int m = 0; m < bytes.Length; m++, i++) digits[i] = (byte)(((byte)(bytes[m] * power) * 3) >> 8);
    }
}

/// <summary>
/// The panel of <see cref="TQ2_0"/>: taking digits apart in the inner loop would cost more than the bits that it saves.
/// </summary>
internal readonly unsafe struct PanelTQ1_0 : IPanelFormat<TQ1_0>
{
    public static int BlockLength => 32;

    public static int UnitLength => 256;

    public static int UnitBytes => PanelTQ2_0.UnitBytes;

    public static int ZeroPoint => PanelTQ2_0.ZeroPoint;

    public static int Largest => PanelTQ2_0.Largest;

    public static bool HasOffset => false;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TBytes Quad<TBytes>(byte* unit, int part, int quad)
        where TBytes : unmanaged, IByteLanes<TBytes> => PanelTQ2_0.Quad<TBytes>(unit, part, quad);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TFloats Scale<TFloats>(byte* unit, int block)
        where TFloats : unmanaged, IFloatLanes<TFloats> => PanelTQ2_0.Scale<TFloats>(unit, block);

    public static TFloats Offset<TFloats>(byte* unit, int block)
        where TFloats : unmanaged, IFloatLanes<TFloats> => TFloats.Zero;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void PackRow(TQ1_0* block, int row, byte* unit)
    {
        TQ2_0 crumbs = block->ToTQ2_0();
        PanelTQ2_0.PackRow(&crumbs, row, unit);
    }
}
