namespace TinyMllm.Loaders.Text.Tokenizers.PreTokenizers;

/// <summary>
/// GPT-2: <c>'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+</c>
/// (docs/formats/tokenizers.md#words-of-byte-pair-encoding).
/// </summary>
internal readonly struct GptPattern : IWordPattern
{
    /// <inheritdoc/>
    public int Match(ClassifiedText text, int at, int end)
    {
        int contraction = Contractions.Match(text, at, end, ignoreCase: false);
        if (contraction > at) return contraction;

        int first = text.CodePoint(at) == ' ' && at + 1 < end ? at + 1 : at;
        if (text.Is(first, CharClass.Letter)) return text.SkipRun(CharClass.Letter, first, end);
        if (text.Is(first, CharClass.Number)) return text.SkipRun(CharClass.Number, first, end);
        return text.Is(first, CharClass.Space)
            ? WhiteSpaceTail.Match(text, at, end)
            : text.SkipOutside(CharClass.Letter | CharClass.Number | CharClass.Space, first, end);
    }
}
