using System.Runtime.Intrinsics;

namespace TinyMllm.Engine.Sampling;

/// <summary>A token with the natural logarithm of its probability.</summary>
/// <param name="Token">Token id.</param>
/// <param name="LogProbability">ln p, at most 0.</param>
public readonly record struct TokenLogProbability(int Token, float LogProbability);

/// <summary>Log-probabilities under the model's own distribution, before any sampling stage: ln softmax of the logits.</summary>
public static class LogProbabilities
{
    /// <summary>ln p of one token.</summary>
    public static float Of(ReadOnlySpan<float> logits, int token) => (float)(logits[token] - LogSumExp(logits));

    /// <summary>ln p of the chosen token and, best first, of the likeliest ones. Allocation-free up to 64 alternatives.</summary>
    /// <param name="logits">Logits of one position; entry i belongs to token i.</param>
    /// <param name="token">The chosen token.</param>
    /// <param name="alternatives">Takes the likeliest tokens; may be longer than the vocabulary.</param>
    /// <param name="written">Number of alternatives written.</param>
    /// <returns>ln p of <paramref name="token"/>.</returns>
    public static float Of(ReadOnlySpan<float> logits, int token, Span<TokenLogProbability> alternatives, out int written)
    {
        double logSum = LogSumExp(logits);
        written = Math.Min(alternatives.Length, logits.Length);
        Span<ulong> best = written <= 64 ? stackalloc ulong[written] : new ulong[written];
        TopSelection.Largest(logits, best);
        for (int i = 0; i < written; i++)
            alternatives[i] = new TokenLogProbability(TopSelection.IdOf(best[i]), (float)(TopSelection.LogitOf(best[i]) - logSum));
        return (float)(logits[token] - logSum);
    }

    /// <summary>ln Σ exp(lᵢ), in double precision.</summary>
    public static double LogSumExp(ReadOnlySpan<float> logits)
    {
        float max = TopSelection.Max(logits);
        if (float.IsNegativeInfinity(max)) return max;
        double sum = 0;
        int done = 0;
        for (; done <= logits.Length - Vector256<float>.Count; done += Vector256<float>.Count)
        {
            var exponentials = Vector256.Exp(Vector256.Create(logits.Slice(done, Vector256<float>.Count)) - Vector256.Create(max));
            sum += Vector256.Sum(exponentials);
        }

        for (; done < logits.Length; done++) sum += MathF.Exp(logits[done] - max);
        return max + Math.Log(sum);
    }
}
