namespace TinyMllm.Loaders.Text.Grammars.JsonSchema;

/// <summary>
/// How many repetitions a grammar still has room for: they are written out, and a grammar that counts everything would not be held by memory.
/// What comes after them is not counted any more.
/// </summary>
internal sealed class RepetitionBudget
{
    private const long Most = 100_000;

    private long _spent;

    /// <summary>Takes room; false if there is not as much left.</summary>
    public bool TrySpend(long copies)
    {
        if (_spent + copies > Most) return false;
        _spent += copies;
        return true;
    }

    /// <summary>A repetition, counted if there is room for it.</summary>
    public string Repeat(string item, long least, long? most) =>
        TrySpend(most ?? least) ? GbnfText.Repeat(item, least, most) : GbnfText.Repeat(item, Math.Min(least, 1), null);
}
