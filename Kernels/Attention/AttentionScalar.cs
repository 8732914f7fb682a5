namespace TinyMllm.Kernels.Attention;

/// <summary>
/// y[i, h] = Σ_j p[j]·v[j], p = softmax(scale·q[i, h]·k[j]) over the keys j that query i sees, written to be read: what <see cref="AttentionTile"/> computes, and what tests hold it to.
/// </summary>
/// <remarks>
/// <para>
/// Query heads share key heads in groups: heads 0 … g − 1 read key head 0, the next g read key head 1, where g = heads / key heads (grouped-query attention; g = 1 is multi-head).
/// </para>
/// <para>
/// Keys and values are what the cache gives back, rounded to half precision or to signed bytes as it stores them. The rest is in double precision; the tile, in float32 and with
/// an exponential of its own, agrees to 1e-6 of the largest value.
/// </para>
/// </remarks>
public static unsafe class AttentionScalar
{
    /// <summary>Computes all queries and heads into <see cref="AttentionArguments.Output"/>.</summary>
    public static void Run(AttentionArguments* a)
    {
        for (int query = 0; query < a->Queries; query++)
        {
                for (int head = 0; head < a->Heads; head++)
            {
                        Row(a, a->Q + (query * a->QStride) + (head * a->HeadSize), head / a->Group, a->Ranges[2 * query], a->Ranges[(2 * query) + 1],
                            a->Output + (query * a->OutputStride) + (head * a->ValueSize));
            }
        }
    }

    /// <summary>One query of one head, over keys <paramref name="start"/> … <paramref name="end"/> − 1 of key head <paramref name="head"/>.</summary>
    private static void Row(AttentionArguments* a, float* q, int head, int start, int end, float* y)
    {
        double[] p = new double[end - start];
        for (int j = 0; j < p.Length; j++)
        {
            for (int i = 0; i < a->HeadSize; i++) p[j] += (double)q[i] * KeyValueBlocks.Key(a, head, start + j, i);
            p[j] *= a->Scale;
            if (a->SoftCap > 0) p[j] = a->SoftCap * Math.Tanh(p[j] / a->SoftCap);
        }

        // The largest score is taken off, so that no exponential overflows; the quotient stays the same.
        double max = p.Max(), sum = 0;
        for (int j = 0; j < p.Length; j++) sum += p[j] = Math.Exp(p[j] - max);
        for (int i = 0; i < a->ValueSize; i++)
        {
            double value = 0;
            for (int j = 0; j < p.Length; j++) value += p[j] / sum * KeyValueBlocks.Value(a, head, start + j, i);
            y[i] = (float)value;
        }
    }
}
