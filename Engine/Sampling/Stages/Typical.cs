namespace TinyMllm.Engine.Sampling.Stages;

/// <summary>
/// Locally typical sampling (Meister et al. 2022): keeps the tokens whose surprise is nearest to the expected one, the entropy,
/// until their total probability exceeds p.
/// </summary>
internal sealed class Typical(float p, int minKeep) : SamplerStage
{
    public override void Apply(Candidates candidates)
    {
        candidates.Sort();
        candidates.Softmax();
        ReadOnlySpan<float> probabilities = candidates.Probabilities;
        float entropy = Entropy(probabilities);

        Span<ulong> keys = candidates.KeyScratch;
        for (int i = 0; i < keys.Length; i++)
        {
            float distance = MathF.Abs(-MathF.Log(probabilities[i]) - entropy);
            keys[i] = ((ulong)BitConverter.SingleToUInt32Bits(distance) << 32) | (uint)i;
        }

        keys.Sort();
        float cumulative = 0;
        int kept = 0;
        while (kept < keys.Length)
        {
            cumulative += probabilities[(int)(uint)keys[kept++]];
            if (cumulative > p && kept >= minKeep) break;
        }

        candidates.KeepKeyScratch(kept);
    }

    /// <summary>-Σ p ln p in array order.</summary>
    public static float Entropy(ReadOnlySpan<float> probabilities)
    {
        float entropy = 0;
        foreach (float q in probabilities)
        {
            if (q > 0) entropy -= q * MathF.Log(q);
        }

        return entropy;
    }
}
