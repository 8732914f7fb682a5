namespace TinyMllm.Engine;

/// <summary>Sizes of one attention layer.</summary>
/// <param name="Heads">Query heads.</param>
/// <param name="KvHeads">Key and value heads; each serves <c>Heads / KvHeads</c> query heads (grouped-query attention).</param>
/// <param name="HeadSize">Values per query and key head.</param>
/// <param name="ValueSize">Values per value head.</param>
/// <param name="Scale">Factor of the scores, usually 1/√HeadSize.</param>
/// <param name="SoftCap">If positive, scores become cap·tanh(score/cap).</param>
public readonly record struct AttentionShape(int Heads, int KvHeads, int HeadSize, int ValueSize, float Scale, float SoftCap = 0)
{
    /// <summary>Plain multi-head attention with scale 1/√headSize.</summary>
    public static AttentionShape MultiHead(int heads, int headSize) => new(heads, heads, headSize, headSize, 1 / MathF.Sqrt(headSize));
}

/// <summary>
/// The keys that one query sees: <c>Start ≤ key &lt; End</c>. Causal, sliding-window, full and windowed attention all are such ranges.
/// </summary>
public readonly record struct KeyRange(int Start, int End)
{
    /// <summary>Causal ranges for queries at <paramref name="first"/>, first + 1, …; a positive <paramref name="window"/> limits how far back they see.</summary>
    public static void Causal(Span<KeyRange> ranges, int first, int window = 0)
    {
        for (int i = 0; i < ranges.Length; i++)
        {
            int end = first + i + 1;
            ranges[i] = new KeyRange(window > 0 ? Math.Max(0, end - window) : 0, end);
        }
    }

    /// <summary>Every query sees keys 0 … <paramref name="count"/> − 1.</summary>
    public static void Full(Span<KeyRange> ranges, int count) => ranges.Fill(new KeyRange(0, count));
}
