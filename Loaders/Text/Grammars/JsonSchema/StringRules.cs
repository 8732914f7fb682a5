namespace TinyMllm.Loaders.Text.Grammars.JsonSchema;

/// <summary>Grammars for the inside of JSON strings; they need the rule <c>char</c>.</summary>
internal static class StringRules
{
    private const int MaximumLength = 128;

    /// <summary>
    /// Strings other than the given ones: along the tree of their characters, whatever leaves the tree.
    /// </summary>
    /// <param name="texts">The strings that are excluded.</param>
    /// <param name="budget">How much may still be counted.</param>
    /// <param name="least">Fewest characters.</param>
    /// <param name="most">Most characters; null: any number.</param>
    /// <exception cref="GrammarException">One of the strings is too long.</exception>
    public static string OtherThan(IReadOnlyCollection<string> texts, RepetitionBudget budget, long least = 0, long? most = null)
    {
        if (texts.Any(text => text.Length > MaximumLength))
            throw new GrammarException($"JSON schema: a name or value that must be told apart is longer than {MaximumLength} characters");
        if (!budget.TrySpend((texts.Sum(text => text.Length) + 1) * (most ?? least))) (least, most) = (Math.Min(least, 1), null);
        string[] possible = [.. texts.Where(text => !(text.Length > most))];
        return possible.Length == 0 ? GbnfText.Repeat("char", least, most)
            : Leaving(possible, 0, least, most) ?? throw new GrammarException("JSON schema: every string that is short enough is excluded");
    }

    /// <summary>What may follow the first <paramref name="depth"/> characters of these texts; null if nothing, not even the end, may.</summary>
    private static string? Leaving(string[] texts, int depth, long least, long? most)
    {
        List<string> ways = [];
        if (!(depth >= most))
        {
            var next = texts.Where(text => text.Length > depth).GroupBy(text => text[depth]).ToArray();
            ways.AddRange(next.Where(group => group.Key is not ('"' or '\\') && !char.IsSurrogate(group.Key))
                .Select(group => Leaving([.. group], depth + 1, least, most) is { } rest ? $"{GbnfText.Literal(group.Key.ToString())} {rest}" : null)
                .OfType<string>());
            string others = string.Concat(next.Select(group => char.IsSurrogate(group.Key) ? "" : GbnfText.SetCharacter(group.Key)));
            ways.Add($"[{JsonPrimitives.PlainCharacters}{others}] {GbnfText.Repeat("char", Math.Max(least - depth - 1, 0), most - depth - 1)}");
        }

        if (depth >= least && !texts.Any(text => text.Length == depth)) ways.Add("\"\"");
        return ways.Count == 0 ? null : $"({string.Join(" | ", ways)})";
    }
}
