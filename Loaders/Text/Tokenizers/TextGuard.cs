using System.Buffers;
using System.Text;
using TinyMllm.Engine.Sampling;

namespace TinyMllm.Loaders.Text.Tokenizers;

/// <summary>
/// Marks the places in a user's words where a special token or a picture marker is spelt out (<see cref="GuardedText.Mark"/> behind its
/// first character), or might be together with what follows the words. Other words, nearly all, stay as they are.
/// </summary>
internal sealed class TextGuard
{
    private readonly TokenTrie _spellings;
    private readonly SearchValues<byte> _firstBytes;

    /// <param name="spellings">What must not be read out of the words; a spelling of a single character cannot be guarded.</param>
    public TextGuard(IEnumerable<byte[]> spellings)
    {
        byte[][] all = [.. spellings.Where(spelling => spelling.Length > 1)];
        _spellings = new TokenTrie(Enumerable.Range(0, all.Length), index => all[index]);
        _firstBytes = SearchValues.Create(_spellings.ChildLabels(TokenTrie.Root));
    }

    /// <summary>The words with their marks.</summary>
    public string Protect(string words)
    {
        words = words.Replace($"{GuardedText.Mark}", "", StringComparison.Ordinal);
        byte[] utf8 = Encoding.UTF8.GetBytes(words);
        List<int> guards = Find(utf8);
        if (guards.Count == 0) return words;
        var marked = new StringBuilder(words.Length + guards.Count);
        int done = 0;
        foreach (int guard in guards)
        {
            marked.Append(Encoding.UTF8.GetString(utf8, done, guard - done)).Append(GuardedText.Mark);
            done = guard;
        }

        return marked.Append(Encoding.UTF8.GetString(utf8, done, utf8.Length - done)).ToString();
    }

    private List<int> Find(ReadOnlySpan<byte> text)
    {
        List<int> guards = [];
        for (int at = 0; at < text.Length; at++)
        {
            int skip = text[at..].IndexOfAny(_firstBytes);
            if (skip < 0) break;
            at += skip;
            if (!SpellsOut(text[at..])) continue;
            Rune.DecodeFromUtf8(text[at..], out _, out int length);
            guards.Add(at + length);
        }

        return guards;
    }

    /// <summary>Whether a spelling begins here that ends in the text, or might end in what follows it.</summary>
    private bool SpellsOut(ReadOnlySpan<byte> text)
    {
        int node = TokenTrie.Root;
        foreach (byte value in text)
        {
            node = _spellings.Child(node, value);
            if (node < 0) return false;
            if (!_spellings.Tokens(node).IsEmpty) return true;
        }

        return true;
    }
}
