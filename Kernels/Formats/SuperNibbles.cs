using System.Runtime.CompilerServices;
using TinyMllm.Kernels.Simd;

namespace TinyMllm.Kernels.Formats;

/// <summary>
/// Nibbles of a 256-value super-block in K order (32 bytes carry sub-block 2i low and 2i + 1 high): 32 vectors, vector 8·i + g holds
/// quad g of both sub-blocks.
/// </summary>
internal static unsafe class SuperNibbles
{
    public const int Bytes = 32 * 64;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TBytes Quad<TBytes>(byte* vectors, int part, int quad)
        where TBytes : unmanaged, IByteLanes<TBytes> =>
        TBytes.ShiftRight(TBytes.Load(vectors + (64 * (((part >> 1) * 8) + quad))), 4 * (part & 1)) & TBytes.Splat(0x0F);

    public static void PackRow(ReadOnlySpan<byte> nibbles, int row, byte* vectors) => PanelWords.Pack(nibbles, row, vectors);
}
