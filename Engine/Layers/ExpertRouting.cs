namespace TinyMllm.Engine;

/// <summary>How router scores become probabilities.</summary>
public enum ExpertGate
{
    /// <summary>Softmax over all experts.</summary>
    Softmax = 1,

    /// <summary>σ of each score by itself.</summary>
    Sigmoid = 2,

    /// <summary>Scores as they are; softmax over the chosen ones.</summary>
    SoftmaxOfChosen = 3,
}

/// <summary>How a mixture of experts chooses and weighs them (docs/models/text.md#mixture-of-experts).</summary>
/// <param name="Used">Experts per token, k.</param>
/// <param name="Gate">How scores become probabilities.</param>
/// <param name="Normalize">Whether the weights of the chosen experts are divided by their sum.</param>
/// <param name="Scale">Factor of the weights; 0 = 1.</param>
/// <param name="Groups">Groups of neighbouring experts; 0 or 1 = none.</param>
/// <param name="GroupsUsed">Groups that a token may use.</param>
public sealed record ExpertRouting(int Used, ExpertGate Gate, bool Normalize, float Scale = 0, int Groups = 0, int GroupsUsed = 0)
{
    /// <summary>Smallest divisor of a normalisation, half precision's smallest normal number.</summary>
    private const float SmallestSum = 6.103515625e-5f;

    /// <summary>Chooses the experts of one token.</summary>
    /// <param name="scores">Router outputs, one per expert; overwritten by probabilities.</param>
    /// <param name="bias">Added for the choice only; empty = none.</param>
    /// <param name="experts">Takes <see cref="Used"/> experts, best first; of equals the lower number first.</param>
    /// <param name="weights">Takes their weights.</param>
    public void Choose(Span<float> scores, ReadOnlySpan<float> bias, Span<int> experts, Span<float> weights)
    {
        ApplyGate(scores);
        Span<float> selection = stackalloc float[scores.Length];
        for (int e = 0; e < scores.Length; e++) selection[e] = scores[e] + (bias.IsEmpty ? 0 : bias[e]);
        if (Groups > 1) KeepBestGroups(selection);
        for (int rank = 0; rank < Used; rank++)
        {
            int best = 0;
            for (int e = 1; e < selection.Length; e++)
                if (selection[e] > selection[best]) best = e;
            experts[rank] = best;
            weights[rank] = scores[best];
            selection[best] = float.NegativeInfinity;
        }

        Weigh(weights[..Used]);
    }

    private static void Softmax(Span<float> values)
    {
        float max = float.NegativeInfinity, sum = 0;
        foreach (float value in values) max = MathF.Max(max, value);
        foreach (ref float value in values) sum += value = MathF.Exp(value - max);
        foreach (ref float value in values) value /= sum;
    }

    private void ApplyGate(Span<float> scores)
    {
        if (Gate == ExpertGate.Softmax) Softmax(scores);
        else if (Gate == ExpertGate.Sigmoid) foreach (ref float score in scores) score = 1 / (1 + MathF.Exp(-score));
    }

    private void Weigh(Span<float> weights)
    {
        if (Gate == ExpertGate.SoftmaxOfChosen) Softmax(weights);
        float factor = Scale is 0 ? 1 : Scale;
        if (Normalize)
        {
            float sum = 0;
            foreach (float weight in weights) sum += weight;
            factor /= MathF.Max(sum, SmallestSum);
        }

        if (factor == 1) return;
        foreach (ref float weight in weights) weight *= factor;
    }

    /// <summary>A group counts by the sum of its two best experts (DeepSeek-V3); those of the others are ruled out.</summary>
    private void KeepBestGroups(Span<float> selection)
    {
        int size = selection.Length / Groups;
        Span<float> totals = stackalloc float[Groups];
        for (int g = 0; g < Groups; g++)
        {
            float first = float.NegativeInfinity, second = float.NegativeInfinity;
            foreach (float value in selection.Slice(g * size, size))
            {
                if (value > first) (first, second) = (value, first);
                else if (value > second) second = value;
            }

            totals[g] = size > 1 ? first + second : first;
        }

        for (int dropped = Groups - Math.Max(1, GroupsUsed); dropped > 0; dropped--)
        {
            int worst = -1;
            for (int g = 0; g < Groups; g++)
                if (!float.IsNaN(totals[g]) && (worst < 0 || totals[g] <= totals[worst])) worst = g;
            totals[worst] = float.NaN;
            selection.Slice(worst * size, size).Fill(float.NegativeInfinity);
        }
    }
}
