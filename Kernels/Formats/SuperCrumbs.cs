using System.Runtime.CompilerServices;
using TinyMllm.Kernels.Simd;

namespace TinyMllm.Kernels.Formats;

/// <summary>
/// Two-bit fields of a 256-value super-block: 16 vectors, half n, segment s (32 values), quad g in bits 2·s of vector 8·n + g.
/// </summary>
internal static unsafe class SuperCrumbs
{
    public const int Bytes = 16 * 64;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TBytes Quad<TBytes>(byte* vectors, int part, int quad)
        where TBytes : unmanaged, IByteLanes<TBytes> =>
        TBytes.ShiftRight(TBytes.Load(vectors + (64 * ((8 * (part >> 2)) + quad))), 2 * (part & 3)) & TBytes.Splat(3);

    public static void PackRow(ReadOnlySpan<byte> crumbs, int row, byte* vectors) => PanelWords.Pack(crumbs, row, vectors);
}
