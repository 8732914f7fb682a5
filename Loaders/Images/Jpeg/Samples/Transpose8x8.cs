using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;

namespace TinyMllm.Loaders.Images.Jpeg.Samples;

/// <summary>
/// Transposes 8×8 16-bit values by three rounds of interleaving. A round pairs row i with row i + 4 and writes the pairs' elements in turn:
/// it rotates the six bits of (row, column) by one place, and after three rounds the halves have changed places.
/// </summary>
internal static class Transpose8x8
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Run(ref Rows16 rows)
    {
        for (int round = 0; round < 3; round++)
        {
            Vector128<short> r0 = rows[0], r1 = rows[1], r2 = rows[2], r3 = rows[3], r4 = rows[4], r5 = rows[5], r6 = rows[6], r7 = rows[7];
            (rows[0], rows[1]) = (InterleaveLower(r0, r4), InterleaveUpper(r0, r4));
            (rows[2], rows[3]) = (InterleaveLower(r1, r5), InterleaveUpper(r1, r5));
            (rows[4], rows[5]) = (InterleaveLower(r2, r6), InterleaveUpper(r2, r6));
            (rows[6], rows[7]) = (InterleaveLower(r3, r7), InterleaveUpper(r3, r7));
        }
    }

    /// <summary>a0 b0 a1 b1 a2 b2 a3 b3.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<short> InterleaveLower(Vector128<short> a, Vector128<short> b)
    {
        if (Sse2.IsSupported) return Sse2.UnpackLow(a, b);
        if (AdvSimd.Arm64.IsSupported) return AdvSimd.Arm64.ZipLow(a, b);
        return Vector128.Create(a[0], b[0], a[1], b[1], a[2], b[2], a[3], b[3]);
    }

    /// <summary>a4 b4 a5 b5 a6 b6 a7 b7.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<short> InterleaveUpper(Vector128<short> a, Vector128<short> b)
    {
        if (Sse2.IsSupported) return Sse2.UnpackHigh(a, b);
        if (AdvSimd.Arm64.IsSupported) return AdvSimd.Arm64.ZipHigh(a, b);
        return Vector128.Create(a[4], b[4], a[5], b[5], a[6], b[6], a[7], b[7]);
    }
}
