using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace TinyMllm.Kernels.Im2Col;

/// <summary>
/// Turns 8-bit RGB bytes into the floats a vision encoder reads: <c>(p/255 − mean[c]) / std[c]</c>, still interleaved r g b.
/// </summary>
/// <remarks>
/// Sixteen bytes widen to one 512-bit vector; since 16 leaves 1 when divided by 3, three vectors in a row see the channels in three
/// rotations, so the constants are six registers and no shuffle is needed. Both divisions are kept (not turned into products): results
/// equal the formula bit for bit.
/// </remarks>
public readonly struct PixelNormalization
{
    private readonly Vector512<float> _mean0, _mean1, _mean2;
    private readonly Vector512<float> _std0, _std1, _std2;

    /// <summary>Normalisation by three means and standard deviations, in units of 1 = white.</summary>
    public PixelNormalization(ReadOnlySpan<float> mean, ReadOnlySpan<float> std)
    {
        (_mean0, _mean1, _mean2) = (Rotation(mean, 0), Rotation(mean, 1), Rotation(mean, 2));
        (_std0, _std1, _std2) = (Rotation(std, 0), Rotation(std, 1), Rotation(std, 2));
    }

    /// <summary>Normalises <paramref name="pixels"/>, which start at a red byte, into as many floats.</summary>
    public void Apply(ReadOnlySpan<byte> pixels, Span<float> values)
    {
        const int lanes = 16;
        if (values.Length < pixels.Length) throw new ArgumentException("fewer floats than bytes", nameof(values));
        int i = 0;
        for (; i <= pixels.Length - 3 * lanes; i += 3 * lanes)
        {
            ((Widen(pixels, i) / 255f - _mean0) / _std0).CopyTo(values[i..]);
            ((Widen(pixels, i + lanes) / 255f - _mean1) / _std1).CopyTo(values[(i + lanes)..]);
            ((Widen(pixels, i + 2 * lanes) / 255f - _mean2) / _std2).CopyTo(values[(i + 2 * lanes)..]);
        }

        for (int channel = 0; i < pixels.Length; i++, channel = channel == 2 ? 0 : channel + 1)
            values[i] = (pixels[i] / 255f - _mean0[channel]) / _std0[channel];
    }

    private static Vector512<float> Rotation(ReadOnlySpan<float> perChannel, int vector)
    {
        Span<float> lanes = stackalloc float[16];
        for (int lane = 0; lane < lanes.Length; lane++) lanes[lane] = perChannel[(vector * 16 + lane) % 3];
        return Vector512.Create<float>(lanes);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Widen(ReadOnlySpan<byte> pixels, int i)
    {
        Vector128<byte> bytes = Vector128.LoadUnsafe(ref MemoryMarshal.GetReference(pixels), (nuint)i);
        Vector256<ushort> words = Vector256.Create(Vector128.WidenLower(bytes), Vector128.WidenUpper(bytes));
        return Vector512.ConvertToSingle(Vector512.Create(Vector256.WidenLower(words), Vector256.WidenUpper(words)).AsInt32());
    }
}
