using System.Text;

namespace TinyMllm.Engine.Sampling.Stages;

/// <summary>
/// The breaker strings of DRY as tokens. A string may hide in one token, or begin at the end of one token (the head) and
/// go on in the following ones (the tail), so each string becomes heads with their possible tails.
/// </summary>
internal sealed class DryBreakers
{
    private const int MaximumBytes = 40, MaximumTail = 20;
    private readonly Dictionary<int, List<int[]>> _tails = [];

    public DryBreakers(IVocabulary vocabulary, IEnumerable<string> breakers)
    {
        var strings = breakers.Where(text => text.Length > 0)
            .Select(text => Encoding.UTF8.GetBytes(text) is var bytes && bytes.Length > MaximumBytes ? bytes[..MaximumBytes] : bytes).ToArray();
        for (int token = 0; token < vocabulary.Count; token++)
        {
            ReadOnlySpan<byte> piece = vocabulary.Piece(token);
            foreach (byte[] text in strings) Add(vocabulary, token, piece, text);
        }
    }

    /// <summary>True when the token alone holds a breaker.</summary>
    public bool IsSingleToken(int token) => _tails.TryGetValue(token, out var tails) && tails.Exists(tail => tail.Length == 0);

    /// <summary>Length of the longest tail that follows the token <paramref name="back"/> places before the end; -1 when it heads no breaker.</summary>
    public int LongestTail(TokenHistory history, int back)
    {
        int longest = -1;
        if (!_tails.TryGetValue(history.FromEnd(back), out var tails)) return longest;
        foreach (int[] tail in tails)
        {
            if (tail.Length <= longest || tail.Length > back) continue;
            int matched = 0;
            while (matched < tail.Length && history.FromEnd(back - 1 - matched) == tail[matched]) matched++;
            if (matched == tail.Length) longest = matched;
        }

        return longest;
    }

    private void Add(IVocabulary vocabulary, int token, ReadOnlySpan<byte> piece, byte[] text)
    {
        if (piece.IndexOf(text) >= 0)
        {
            AddTail(token, []);
            return;
        }

        for (int length = Math.Min(piece.Length, text.Length - 1); length > 0; length--)
        {
            if (!piece.EndsWith(text.AsSpan(0, length))) continue;
            int[] tail = vocabulary.Tokenize(Encoding.UTF8.GetString(text, length, text.Length - length));
            AddTail(token, tail.Length > MaximumTail ? tail[..MaximumTail] : tail);
        }
    }

    private void AddTail(int token, int[] tail)
    {
        if (!_tails.TryGetValue(token, out var tails)) _tails[token] = tails = [];
        if (!tails.Exists(known => known.AsSpan().SequenceEqual(tail))) tails.Add(tail);
    }
}
