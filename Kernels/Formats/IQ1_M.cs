using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace TinyMllm.Kernels.Formats;

/// <summary>
/// 256 values in 56 bytes, eight at a time on the points of <see cref="IQ1_S"/>: x = d·m·(t ± ⅛), t in {−1, 0, 1}, m in 1, 3, … 15 per 16
/// values, the sign of ⅛ per eight.
/// <code>
/// byte  0                   32                   48                    56
///       ┌───────────────────┬────────────────────┬─────────────────────┐
///       │ Indices: 32 bytes │ HighBits: 16 bytes │ Scales: 4 × 16 bits │
///       └───────────────────┴────────────────────┴─────────────────────┘
/// </code>
/// Group l of eight values has its lower eight index bits in byte l and the upper three in four bits of high byte l / 2, the even group
/// below; the fourth is set for −⅛. Sixteen bits of scales hold (m − 1) / 2 of four times 16 values, three bits each; the four bits above,
/// from the first to the last, are d as a half.
/// </summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
internal unsafe struct IQ1_M : IGridBlock<IQ1_M>
{
    public Bytes32 Indices;
    public Bytes16 HighBits;
    public Bytes8 Scales;

    public static int Length => 256;

    public static int ScaleLength => 16;

    public static float Step => 1 / 8f;

    public static byte* Table
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => IQ1_S.Table;
    }

    public static int ZeroPoint => 9;

    public static int Largest => 18;

    public readonly Half Factor
    {
        get
        {
            int bits = 0;
            for (int i = 0; i < 4; i++) bits |= (Scales[(2 * i) + 1] >> 4) << (4 * i);
            return BitConverter.UInt16BitsToHalf((ushort)bits);
        }
    }

    public readonly bool IsValid => Half.IsFinite(Factor);

    public readonly void Decode(Span<float> values) => GridBlocks.Decode(this, values);

    public readonly void Unpack(Span<byte> codes, Span<byte> multipliers)
    {
        var scales = MemoryMarshal.Cast<byte, ushort>((ReadOnlySpan<byte>)Scales);
        for (int j = 0; j < 16; j++) multipliers[j] = (byte)((2 * ((scales[j / 4] >> (3 * (j % 4))) & 7)) + 1);
        for (int l = 0; l < 32; l++)
        {
            int high = HighBits[l / 2] >> (4 * (l % 2));
            IQ1_S.Shifted(Indices[l] | ((high & 7) << 8), (high >> 3) & 1, codes.Slice(8 * l, 8));
        }
    }
}
