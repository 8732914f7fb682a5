namespace TinyMllm;

/// <summary>What the picture encoder and projector make of a picture: the rows that stand in the language model's input in place of
/// tokens. The rows are managed memory of this object's own: there is nothing to dispose, and they outlive the model.</summary>
/// <param name="Values">Row after row: <paramref name="Tokens"/> × <paramref name="Features"/>.</param>
/// <param name="Tokens">Number of rows, over all slices of the picture.</param>
/// <param name="Features">Numbers per row.</param>
public sealed record ImageEmbedding(ReadOnlyMemory<float> Values, int Tokens, int Features)
{
    /// <summary>
    /// One vector for the whole picture: the mean of the rows, scaled to length 1. Near vectors mean similar pictures; the encoders were
    /// trained to describe and
    /// not to compare, so this is a rough measure.
    /// </summary>
    public float[] Pool()
    {
        var sums = new double[Features];
        ReadOnlySpan<float> values = Values.Span;
        for (int row = 0; row < Tokens; row++)
            for (int i = 0; i < Features; i++) sums[i] += values[row * Features + i];

        double length = Math.Sqrt(sums.Sum(sum => sum * sum));
        return [.. sums.Select(sum => (float)(length > 0 ? sum / length : 0))];
    }
}
