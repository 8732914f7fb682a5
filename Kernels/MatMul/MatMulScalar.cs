using TinyMllm.Kernels.Quantization;

namespace TinyMllm.Kernels.MatMul;

/// <summary>
/// y[r, o] = Σ_k W[o, k]·x[r, k] + b[o], written to be read: what every panel kernel computes, and what tests hold them to.
/// </summary>
/// <remarks>
/// <para>
/// Two roundings are part of the result, and this code makes them as the kernels do. A quantised W is what its blocks decode to. And where a kernel multiplies integers
/// (<see cref="PanelKernel.IsInteger"/>), each row of x is rounded to signed bytes in blocks of 32:
/// </para>
/// <code>
/// s[j] = max |x[k]| / 127 over k of block j        v[k] = nearest(x[k] / s[j]), ties to even, −127 … 127        x[k] ≈ s[j]·v[k]
/// </code>
/// <para>
/// The sums are made in double precision, so that they depend on no order. A kernel adds float32 numbers in its own order and agrees to 1e-6 of Σ |W[o, k]·x[r, k]|.
/// </para>
/// </remarks>
public static unsafe class MatMulScalar
{
    /// <summary>Computes all outputs of all rows.</summary>
    /// <param name="type">The format of <paramref name="weights"/>.</param>
    /// <param name="weights">W as in a file: y.Length / rows rows of <paramref name="inputs"/> values.</param>
    /// <param name="inputs">k: values per row of W and of x; a multiple of the format's block length.</param>
    /// <param name="x">[rows, inputs].</param>
    /// <param name="bias">One number per output, or nothing.</param>
    /// <param name="y">[rows, outputs].</param>
    public static void Multiply(TensorType type, ReadOnlySpan<byte> weights, int inputs, ReadOnlySpan<float> x, ReadOnlySpan<float> bias, Span<float> y)
    {
        int rows = x.Length / inputs, outputs = y.Length / rows;
        int rowBytes = checked((int)type.ByteCount(inputs));
        bool integer = PanelKernel.For(type) is { IsInteger: true };
        float[] w = new float[inputs], rounded = new float[inputs];
        for (int o = 0; o < outputs; o++)
        {
            TensorCodec.Decode(type, weights.Slice(o * rowBytes, rowBytes), w);
            for (int r = 0; r < rows; r++)
            {
                ReadOnlySpan<float> row = x.Slice(r * inputs, inputs);
                if (integer)
                {
                    Round(row, rounded);
                    row = rounded;
                }

                double sum = bias.IsEmpty ? 0 : bias[o];
                for (int k = 0; k < inputs; k++) sum += (double)w[k] * row[k];
                y[(r * outputs) + o] = (float)sum;
            }
        }
    }

    /// <summary>What remains of <paramref name="x"/> after rounding to signed bytes: s[j]·v[k].</summary>
    public static void Round(ReadOnlySpan<float> x, Span<float> rounded)
    {
        for (int block = 0; block < x.Length; block += QuantizedRows.BlockLength)
        {
            float max = 0;
            for (int k = block; k < block + QuantizedRows.BlockLength; k++) max = MathF.Max(max, MathF.Abs(x[k]));
            float scale = max / 127, inverse = max > 0 ? 127 / max : 0;
            for (int k = block; k < block + QuantizedRows.BlockLength; k++) rounded[k] = scale * MathF.Round(x[k] * inverse);
        }
    }
}
