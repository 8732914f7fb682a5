using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using TinyMllm.Kernels.Quantization;

namespace TinyMllm.Kernels.Formats;

/// <summary>
/// Activations beside K formats: 256 values in 292 bytes, x ≈ d·q, with the sums of 16 quants each for the minima. Never stored in files.
/// <code>
/// byte  0                4                          260                292
///       ┌────────────────┬──────────────────────────┬──────────────────┐
///       │ Scale: float d │ Quants: 256 signed bytes │ Sums: 16 × int16 │
///       └────────────────┴──────────────────────────┴──────────────────┘
/// </code>
/// The value of largest magnitude maps to −127.
/// </summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
internal struct Q8_K : IEncodableBlock<Q8_K>
{
    public float Scale;
    public QuantArray Quants;
    public SumArray Sums;

    public static int Length => 256;

    public readonly bool IsValid => float.IsFinite(Scale);

    public static void Encode(ReadOnlySpan<float> values, ref Q8_K block)
    {
        block = default;
        float max = Rounding.SignedMaximum(values);
        if (max == 0) return;
        float inverse = -127 / max;
        block.Scale = 1 / inverse;
        for (int i = 0; i < 256; i++)
        {
            block.Quants[i] = (sbyte)Math.Min(127, Rounding.Nearest(inverse * values[i]));
            block.Sums[i / 16] += block.Quants[i];
        }
    }

    public readonly void Decode(Span<float> values)
    {
        for (int i = 0; i < 256; i++) values[i] = Scale * Quants[i];
    }

    [InlineArray(256)]
    public struct QuantArray
    {
        private sbyte _first;
    }

    [InlineArray(16)]
    public struct SumArray
    {
        private short _first;
    }
}
