using System.Text;
using TinyMllm.Loaders.Text.Tokenizers;

namespace TinyMllm.Tests.Text.Tokenizers;

/// <summary>Ids back to text, at once and as a stream, over the real vocabularies.</summary>
public sealed class RoundTripTests
{
    private static IEnumerable<string> Lossless => Vocabularies.Names.Where(name => name != "bert-bge");

    [TestCaseSource(nameof(Lossless))]
    public void Decoding_gives_the_text_back(string name)
    {
        Tokenizer tokenizer = Vocabularies.Tokenizer(name);
        foreach (string text in Texts(name))
        {
            Assert.That(tokenizer.Decode(tokenizer.Encode(text, false, false)), Is.EqualTo(text));
            Assert.That(tokenizer.Decode(tokenizer.Encode(text, true, false)), Is.EqualTo(text));
        }
    }

    [TestCaseSource(nameof(Lossless))]
    public void A_stream_gives_the_same_text_and_never_half_a_character(string name)
    {
        Tokenizer tokenizer = Vocabularies.Tokenizer(name);
        foreach (string text in Texts(name))
        {
            var stream = new TokenStream(tokenizer, trimLeadingSpace: tokenizer.AddSpacePrefix);
            var streamed = new StringBuilder();
            foreach (int id in tokenizer.Encode(text, false, false))
            {
                string part = stream.Append(id).ToString();
                Assert.That(part, Does.Not.Contain('\uFFFD'));
                Assert.That(part.Length == 0 || !char.IsHighSurrogate(part[^1]), "ends with half a pair");
                streamed.Append(part);
            }

            Assert.That(stream.Flush().Length, Is.Zero);
            Assert.That(streamed.ToString(), Is.EqualTo(text));
        }
    }

    [Test]
    public void A_character_over_four_tokens_comes_with_the_last()
    {
        Tokenizer tokenizer = new(TestVocabulary.SentencePiece("a"));
        var stream = new TokenStream(tokenizer);
        List<string> parts = [.. Encoding.UTF8.GetBytes("\U0001F600").Select(value => stream.Append(3 + value).ToString())];
        Assert.That(parts, Is.EqualTo(new[] { "", "", "", "\U0001F600" }));
    }

    [Test]
    public void Broken_bytes_become_replacement_characters()
    {
        Tokenizer tokenizer = new(TestVocabulary.SentencePiece("a"));
        var stream = new TokenStream(tokenizer);
        Assert.That(stream.Append(3 + 0xE4).ToString(), Is.Empty);
        Assert.That(stream.Append(259).ToString(), Is.EqualTo("\uFFFDa"));
        Assert.That(stream.Append(3 + 0xF0).ToString(), Is.Empty);
        Assert.That(stream.Flush().ToString(), Is.EqualTo("\uFFFD"));
        Assert.That(stream.Append(259).ToString(), Is.EqualTo("a"), "the stream starts afresh");
    }

    [Test]
    public void A_stream_allocates_nothing_per_token()
    {
        Tokenizer tokenizer = Vocabularies.Tokenizer("gpt-2");
        int[] ids = tokenizer.Encode(string.Concat(Texts("gpt-2")), false, false);
        var stream = new TokenStream(tokenizer);
        int characters = 0;
        foreach (int id in ids) characters += stream.Append(id).Length;
        long before = GC.GetAllocatedBytesForCurrentThread();
        foreach (int id in ids) characters += stream.Append(id).Length;
        Assert.That(GC.GetAllocatedBytesForCurrentThread() - before, Is.Zero);
        Assert.That(characters, Is.Positive);
    }

    [Test]
    public void The_same_answer_on_many_threads()
    {
        Tokenizer tokenizer = Vocabularies.Tokenizer("llama-bpe");
        List<byte[]> texts = Vocabularies.Texts("llama-bpe");
        List<int[]> ids = Vocabularies.Ids("llama-bpe");
        Parallel.For(0, 4 * texts.Count, i => Assert.That(tokenizer.Encode(texts[i % texts.Count], false, false), Is.EqualTo(ids[i % texts.Count])));
    }

    private static IEnumerable<string> Texts(string name)
    {
        foreach (byte[] text in Vocabularies.Texts(name)) yield return Encoding.UTF8.GetString(text);
        var random = new Random(3);
        for (int round = 0; round < 50; round++)
        {
            var text = new StringBuilder();
            for (int i = random.Next(1, 60); i > 0; i--)
            {
                // Falcon and StarCoder lack the bytes of some control characters and of planes 4 and up.
                int codePoint = random.Next(' ', random.Next(5) switch { 0 => 0x800, 1 => 0xD800, 2 => 0x30000, _ => 0x80 });
                if (codePoint is (>= 0xD800 and < 0xE000) or 0xFFFD) codePoint = '\n';
                text.Append(new Rune(codePoint));
            }

            yield return text.ToString();
        }
    }
}
