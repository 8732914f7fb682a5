using System.Runtime.CompilerServices;
using TinyMllm.Kernels.Simd;

namespace TinyMllm.Kernels.Im2Col;

/// <summary>
/// Turns 8-bit RGB bytes into the floats a vision encoder reads: <c>(p/255 − mean[c]) / std[c]</c>, still interleaved r g b.
/// </summary>
/// <remarks>
/// A vector begins at any of the three channels. So the constants stand in a row that repeats them, and the vector at byte i loads its own from place i mod 3 on: no shuffle.
/// Both divisions are kept (not turned into products): results equal the formula bit for bit.
/// </remarks>
public readonly struct PixelNormalization
{
    private const int Channels = 3;

    private readonly Repeated _mean;
    private readonly Repeated _std;

    /// <summary>Normalisation by three means and standard deviations, in units of 1 = white.</summary>
    public PixelNormalization(ReadOnlySpan<float> mean, ReadOnlySpan<float> std)
    {
        for (int i = 0; i < Repeated.Length; i++) (_mean[i], _std[i]) = (mean[i % Channels], std[i % Channels]);
    }

    /// <summary>Normalises <paramref name="pixels"/>, which start at a red byte, into as many floats.</summary>
    public unsafe void Apply(ReadOnlySpan<byte> pixels, Span<float> values)
    {
        if (values.Length < pixels.Length) throw new ArgumentException("fewer floats than bytes", nameof(values));
        fixed (byte* p = pixels)
        fixed (float* v = values, mean = (ReadOnlySpan<float>)_mean, std = (ReadOnlySpan<float>)_std)
            VectorLoop.Run(new Body(p, v, mean, std), pixels.Length);
    }

    private readonly unsafe struct Body(byte* pixels, float* values, float* mean, float* std) : IVectorBody
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void Invoke<T>(nint i)
            where T : unmanaged, IMathLanes<T>
        {
            nint channel = i % Channels;
            T.Store(((T.LoadUInt8(pixels + i) / T.Splat(255)) - T.Load(mean + channel)) / T.Load(std + channel), values + i);
        }
    }

    /// <summary>The widest vector, from each of the three channels on.</summary>
    [InlineArray(Length)]
    private struct Repeated
    {
        public const int Length = 16 + Channels - 1;

        private float _first;
    }
}
