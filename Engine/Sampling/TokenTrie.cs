using System.Buffers.Binary;

namespace TinyMllm.Engine.Sampling;

/// <summary>Gives the bytes of token <paramref name="id"/>.</summary>
/// <param name="id">0 to the number of tokens.</param>
public delegate ReadOnlySpan<byte> TokenBytes(int id);

/// <summary>
/// The bytes of many tokens as a tree: one node per distinct prefix, children of a node side by side and in byte order. Serves
/// longest-match look-ups and the walk that finds all tokens a grammar allows, where a refused byte refuses its whole subtree.
/// </summary>
/// <remarks>
/// Nodes are numbered level by level from <see cref="Root"/>, so the children of node n are one contiguous range of numbers
/// that begins where those of n - 1 end. Tokens are kept sorted by their bytes, so those below a node are one contiguous range
/// too, with those that end at the node itself in front.
/// </remarks>
public sealed class TokenTrie
{
    /// <summary>The node of the empty prefix.</summary>
    public const int Root = 0;

    private readonly int[] _tokens;
    private readonly byte[] _labels;
    private readonly int[] _firstChild;
    private readonly TokenRange[] _ranges;

    /// <summary>Builds the tree.</summary>
    /// <param name="ids">The tokens that take part; those without bytes are left out.</param>
    /// <param name="bytes">Their bytes.</param>
    public TokenTrie(IEnumerable<int> ids, TokenBytes bytes)
    {
        _tokens = [.. ids.Where(id => !bytes(id).IsEmpty)];
        Sort(_tokens, bytes);

        List<byte> labels = [0];
        List<TokenRange> ranges = [new TokenRange(0, 0, _tokens.Length)];
        List<int> firstChild = [];
        int depth = 0;
        int levelEnd = 1;
        for (int node = 0; node < ranges.Count; node++)
        {
            if (node == levelEnd)
            {
                depth++;
                levelEnd = ranges.Count;
            }

            firstChild.Add(ranges.Count);
            int end = ranges[node].End;
            for (int start = ranges[node].EndOfExact; start < end;)
            {
                byte label = bytes(_tokens[start])[depth];
                int childEnd = start;
                int endOfExact = start;
                while (childEnd < end && bytes(_tokens[childEnd]) is var text && text[depth] == label)
                {
                    childEnd++;
                    if (text.Length == depth + 1) endOfExact = childEnd;
                }

                labels.Add(label);
                ranges.Add(new TokenRange(start, endOfExact, childEnd));
                start = childEnd;
            }
        }

        firstChild.Add(ranges.Count);
        _labels = [.. labels];
        _ranges = [.. ranges];
        _firstChild = [.. firstChild];
    }

    /// <summary>Number of nodes.</summary>
    public int NodeCount => _labels.Length;

    /// <summary>Number of the first child of a node; its children are this and the next <c>ChildLabels(node).Length - 1</c>.</summary>
    public int FirstChild(int node) => _firstChild[node];

    /// <summary>The bytes that lead to the children of a node, ascending.</summary>
    public ReadOnlySpan<byte> ChildLabels(int node) => _labels.AsSpan(_firstChild[node], _firstChild[node + 1] - _firstChild[node]);

    /// <summary>The child that <paramref name="label"/> leads to, or -1.</summary>
    public int Child(int node, byte label)
    {
        int index = ChildLabels(node).IndexOf(label);
        return index < 0 ? -1 : _firstChild[node] + index;
    }

    /// <summary>The node of a prefix, or -1 where no token begins so.</summary>
    public int Find(ReadOnlySpan<byte> prefix)
    {
        int node = Root;
        foreach (byte label in prefix)
        {
            node = Child(node, label);
            if (node < 0) return -1;
        }

        return node;
    }

    /// <summary>The tokens whose bytes are exactly the node's prefix, ascending ids; usually none or one.</summary>
    public ReadOnlySpan<int> Tokens(int node) => _tokens.AsSpan(_ranges[node].Start, _ranges[node].EndOfExact - _ranges[node].Start);

    /// <summary>All tokens whose bytes begin with the node's prefix, in byte order.</summary>
    public ReadOnlySpan<int> Subtree(int node) => _tokens.AsSpan(_ranges[node].Start, _ranges[node].End - _ranges[node].Start);

    /// <summary>The longest token that <paramref name="text"/> begins with (the highest id among equals), or -1.</summary>
    /// <param name="text">Text to look into.</param>
    /// <param name="length">Bytes of the token.</param>
    public int LongestPrefix(ReadOnlySpan<byte> text, out int length)
    {
        int best = -1;
        length = 0;
        int node = Root;
        for (int depth = 0; depth < text.Length; depth++)
        {
            node = Child(node, text[depth]);
            if (node < 0) break;
            ReadOnlySpan<int> tokens = Tokens(node);
            if (tokens.IsEmpty) continue;
            best = tokens[^1];
            length = depth + 1;
        }

        return best;
    }

    /// <summary>
    /// Sorts by bytes, then by id: first by the leading eight bytes as one number, which tells nearly all tokens apart and is much faster than
    /// comparing texts, then the few that are still equal.
    /// </summary>
    private static void Sort(int[] tokens, TokenBytes bytes)
    {
        var heads = new ulong[tokens.Length];
        Span<byte> head = stackalloc byte[sizeof(ulong)];
        for (int i = 0; i < tokens.Length; i++)
        {
            ReadOnlySpan<byte> text = bytes(tokens[i]);
            head.Clear();
            text[..Math.Min(text.Length, head.Length)].CopyTo(head);
            heads[i] = BinaryPrimitives.ReadUInt64BigEndian(head);
        }

        Array.Sort(heads, tokens);
        var byText = Comparer<int>.Create((a, b) => bytes(a).SequenceCompareTo(bytes(b)) is int order and not 0 ? order : a.CompareTo(b));
        for (int start = 0, end; start < tokens.Length; start = end)
        {
            for (end = start + 1; end < tokens.Length && heads[end] == heads[start];) end++;
            if (end - start > 1) Array.Sort(tokens, start, end - start, byText);
        }
    }

    /// <summary>Tokens below a node, as positions in the sorted list: those that end there, then those that go on.</summary>
    private readonly record struct TokenRange(int Start, int EndOfExact, int End);
}
