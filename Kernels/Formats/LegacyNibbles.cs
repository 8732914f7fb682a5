using System.Runtime.CompilerServices;
using TinyMllm.Kernels.Simd;

namespace TinyMllm.Kernels.Formats;

/// <summary>
/// The 4-bit blocks of 32 in the legacy nibble order (byte j: value j low, value j + 16 high): 4 vectors of 64 bytes, vector c holds
/// quad c in its low nibbles and quad c + 4 in its high ones.
/// </summary>
internal static unsafe class LegacyNibbles
{
    public const int Bytes = 256;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TBytes Quad<TBytes>(byte* vectors, int quad)
        where TBytes : unmanaged, IByteLanes<TBytes>
    {
        TBytes v = TBytes.Load(vectors + (64 * (quad & 3)));
        if (quad >= 4) v = TBytes.ShiftRight(v, 4);
        return v & TBytes.Splat(0x0F);
    }

    public static void PackRow(ReadOnlySpan<byte> nibbles, int row, byte* vectors) => PanelWords.Pack(nibbles, row, vectors);
}
