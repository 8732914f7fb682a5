using TinyMllm.Engine.Sampling;

namespace TinyMllm.Loaders.Text.Tokenizers.Segmenters;

/// <summary>
/// SentencePiece's unigram model (<c>t5</c>): text is normalised, then cut into the tokens whose scores (log-probabilities) have
/// the greatest sum, found by Viterbi's algorithm (docs/formats/tokenizers.md#unigram).
/// </summary>
internal sealed class UnigramSegmenter : Segmenter
{
    /// <summary>How much worse than the worst token an unknown character is.</summary>
    private const double UnknownPenalty = 10;

    private readonly UnigramNormalizer _normalizer;
    private readonly TokenTrie _trie;
    private readonly double[] _scores;
    private readonly double _unknownScore;
    private readonly int _unknown;

    public UnigramSegmenter(TokenizerVocabulary vocabulary, ByteStringTable tokens, TokenType[] types)
    {
        _unknown = vocabulary.Unknown;
        _scores = new double[tokens.Count];
        double worst = double.PositiveInfinity;
        for (int id = 0; id < tokens.Count; id++)
        {
            if (types[id] != TokenType.UserDefined && vocabulary.Scores.Length > 0) _scores[id] = vocabulary.Scores[id];
            if (types[id] == TokenType.Normal) worst = Math.Min(worst, _scores[id]);
        }

        _unknownScore = (double.IsFinite(worst) ? worst : 0) - UnknownPenalty;
        IEnumerable<int> ids = Enumerable.Range(0, tokens.Count);
        _trie = new TokenTrie(
            ids.Where(id => types[id] is TokenType.Normal or TokenType.UserDefined or TokenType.Unused), id => tokens[id]);
        var userDefined = new TokenTrie(ids.Where(id => types[id] == TokenType.UserDefined), id => tokens[id]);
        _normalizer = new UnigramNormalizer(vocabulary, userDefined);
    }

    /// <inheritdoc/>
    public override void Encode(ReadOnlySpan<byte> text, bool startsText, List<int> tokens)
    {
        byte[] normalized = _normalizer.Normalize(text);
        if (normalized.Length == 0) return;
        using var storage = new Scratch<Step>(normalized.Length + 1);
        Span<Step> best = storage.Span;
        best.Fill(new Step(double.NegativeInfinity, _unknown, 0));
        best[0] = new Step(0, _unknown, 0);
        for (int start = 0; start < normalized.Length;)
        {
            int length = Math.Min(Utf8Bytes.LengthFromLead(normalized[start]), normalized.Length - start);
            if (!Extend(normalized, start, length, best)) Offer(best, start, start + length, _unknown, _unknownScore);
            start += length;
        }

        Backtrack(best, tokens);
    }

    /// <summary>Tries every token that begins at <paramref name="start"/>; says whether one is exactly the character there.</summary>
    private bool Extend(ReadOnlySpan<byte> text, int start, int character, Span<Step> best)
    {
        bool covers = false;
        int node = TokenTrie.Root;
        for (int end = start + 1; end <= text.Length; end++)
        {
            node = _trie.Child(node, text[end - 1]);
            if (node < 0) break;
            ReadOnlySpan<int> found = _trie.Tokens(node);
            if (found.IsEmpty) continue;
            covers |= end - start == character;
            Offer(best, start, end, found[^1], _scores[found[^1]]);
        }

        return covers;
    }

    private static void Offer(Span<Step> best, int start, int end, int token, double score)
    {
        double sum = best[start].Sum + score;
        if (sum > best[end].Sum) best[end] = new Step(sum, token, start);
    }

    /// <summary>Follows the best way from the end; runs of unknown characters become one unknown token.</summary>
    private void Backtrack(ReadOnlySpan<Step> best, List<int> tokens)
    {
        int first = tokens.Count;
        bool afterUnknown = false;
        for (int end = best.Length - 1; end > 0; end = best[end].Start)
        {
            int token = best[end].Token;
            bool unknown = token == _unknown;
            if (token >= 0 && !(unknown && afterUnknown)) tokens.Add(token);
            afterUnknown = unknown;
        }

        tokens.Reverse(first, tokens.Count - first);
    }

    /// <summary>The best way to a position: its score, its last token and where that began.</summary>
    private readonly record struct Step(double Sum, int Token, int Start);
}
