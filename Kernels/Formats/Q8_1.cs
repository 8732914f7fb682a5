using System.Runtime.InteropServices;
using TinyMllm.Kernels.Quantization;

namespace TinyMllm.Kernels.Formats;

/// <summary>
/// Activations beside weights with a minimum (Q4_1, Q5_1): Q8_0 plus s = d·Σq, which multiplies the minimum. Never stored in files.
/// <code>
/// byte  0               2             4                         36
///       ┌───────────────┬─────────────┬─────────────────────────┐
///       │ Scale: half d │ Sum: half s │ Quants: 32 signed bytes │
///       └───────────────┴─────────────┴─────────────────────────┘
/// </code>
/// </summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
internal struct Q8_1 : IEncodableBlock<Q8_1>
{
    public Half Scale;
    public Half Sum;
    public Bytes32 Quants;

    public static int Length => 32;

    public readonly bool IsValid => Half.IsFinite(Scale) && Half.IsFinite(Sum);

    public static void Encode(ReadOnlySpan<float> values, ref Q8_1 block)
    {
        float d = Rounding.Magnitude(values) / 127;
        float inverse = Rounding.InverseOrZero(d);
        int sum = 0;
        for (int j = 0; j < 32; j++)
        {
            sbyte q = (sbyte)Rounding.NearestAwayFromZero(values[j] * inverse);
            block.Quants[j] = (byte)q;
            sum += q;
        }

        block.Scale = HalfConversion.FromSingle(d);
        block.Sum = HalfConversion.FromSingle(sum * d);
    }

    public readonly void Decode(Span<float> values)
    {
        float d = (float)Scale;
        for (int j = 0; j < 32; j++) values[j] = (sbyte)Quants[j] * d;
    }
}
