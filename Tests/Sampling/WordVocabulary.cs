using System.Text;
using TinyMllm.Engine.Sampling;

namespace TinyMllm.Tests.Sampling;

/// <summary>A vocabulary given by the texts of its tokens; tokenizes by the longest match. The tokens named as ends end the answer.</summary>
internal sealed class WordVocabulary(string[] words, params int[] ends) : IVocabulary
{
    private readonly byte[][] _pieces = [.. words.Select(Encoding.UTF8.GetBytes)];

    public WordVocabulary(byte[][] pieces, params int[] ends)
        : this(new string[pieces.Length].Select(_ => "").ToArray(), ends) => _pieces = pieces;

    public int Count => _pieces.Length;

    public ReadOnlySpan<byte> Piece(int token) => _pieces[token];

    public bool IsEndOfGeneration(int token) => ends.Contains(token);

    public int[] Tokenize(string text)
    {
        byte[] rest = Encoding.UTF8.GetBytes(text);
        List<int> tokens = [];
        while (rest.Length > 0)
        {
            int best = Enumerable.Range(0, Count).Where(i => _pieces[i].Length > 0 && rest.AsSpan().StartsWith(_pieces[i])).MaxBy(i => _pieces[i].Length);
            tokens.Add(best);
            rest = rest[_pieces[best].Length..];
        }

        return [.. tokens];
    }
}
