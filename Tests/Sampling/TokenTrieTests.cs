using TinyMllm.Engine.Sampling;
using TinyMllm.Loaders.Text.Tokenizers;
using TinyMllm.Tests.Text.Tokenizers;

namespace TinyMllm.Tests.Sampling;

public sealed class TokenTrieTests
{
    private static readonly string[] Words = ["", "a", "b", "ab", "abc", "abd", "b", "ca", "\u00E9"];
    private static readonly byte[][] Bytes = TestVocabulary.Utf8(Words);
    private static readonly TokenTrie Trie = new(Enumerable.Range(0, Bytes.Length), id => Bytes[id]);

    [Test]
    public void Nodes_are_the_distinct_prefixes() => Assert.That(Trie.NodeCount, Is.EqualTo(1 + 4 + 3 + 2));

    [Test]
    public void Tokens_end_at_their_node()
    {
        Assert.That(Trie.Tokens(Trie.Find("b"u8)).ToArray(), Is.EqualTo(new[] { 2, 6 }));
        Assert.That(Trie.Tokens(Trie.Find("c"u8)).ToArray(), Is.Empty);
        Assert.That(Trie.Tokens(TokenTrie.Root).ToArray(), Is.Empty);
        Assert.That(Trie.Find("abx"u8), Is.EqualTo(-1));
    }

    [Test]
    public void A_subtree_holds_all_tokens_with_a_prefix()
    {
        Assert.That(Trie.Subtree(Trie.Find("ab"u8)).ToArray(), Is.EqualTo(new[] { 3, 4, 5 }));
        Assert.That(Trie.Subtree(TokenTrie.Root).ToArray(), Is.EqualTo(new[] { 1, 3, 4, 5, 2, 6, 7, 8 }));
    }

    [Test]
    public void The_longest_prefix_is_found()
    {
        Assert.That((Trie.LongestPrefix("abcd"u8, out int length), length), Is.EqualTo((4, 3)));
        Assert.That((Trie.LongestPrefix("abx"u8, out length), length), Is.EqualTo((3, 2)));
        Assert.That((Trie.LongestPrefix("cb"u8, out length), length), Is.EqualTo((-1, 0)));
    }

    [Test]
    public void An_empty_tree_has_a_root()
    {
        TokenTrie empty = new([], id => default);
        Assert.That((empty.NodeCount, empty.Find("a"u8), empty.Subtree(TokenTrie.Root).Length), Is.EqualTo((1, -1, 0)));
    }

    [Test]
    public void A_real_vocabulary_is_walked_completely()
    {
        Tokenizer tokenizer = Vocabularies.Tokenizer("qwen2");
        TokenTrie trie = tokenizer.Trie;
        var seen = new bool[tokenizer.VocabularySize];
        List<byte> prefix = [];
        Walk(TokenTrie.Root);
        for (int id = 0; id < seen.Length; id++)
            Assert.That(seen[id], Is.EqualTo(tokenizer.Piece(id).Length > 0));

        void Walk(int node)
        {
            foreach (int id in trie.Tokens(node))
            {
                if (!tokenizer.Piece(id).SequenceEqual(prefix.ToArray())) Assert.Fail($"{id} stands at the wrong node");
                seen[id] = true;
            }

            int child = trie.FirstChild(node);
            foreach (byte label in trie.ChildLabels(node).ToArray())
            {
                if (trie.Child(node, label) != child) Assert.Fail("children are not side by side");
                prefix.Add(label);
                Walk(child++);
                prefix.RemoveAt(prefix.Count - 1);
            }
        }
    }
}
