using System.Text;
using TinyMllm.Loaders.Text.Tokenizers;

namespace TinyMllm.Tests.Text.Tokenizers;

/// <summary>Real vocabularies against the ids that llama.cpp finds.</summary>
[TestFixtureSource(typeof(Vocabularies), nameof(Vocabularies.Names))]
public sealed class TokenizerGoldenTests(string name)
{
    private readonly Tokenizer _tokenizer = Vocabularies.Tokenizer(name);

    [Test]
    public void Every_text_gives_the_golden_ids()
    {
        List<byte[]> texts = Vocabularies.Texts(name);
        List<int[]> ids = Vocabularies.Ids(name);
        Assert.That(texts, Has.Count.EqualTo(ids.Count).And.Count.EqualTo(46));
        Assert.Multiple(() =>
        {
            for (int i = 0; i < texts.Count; i++)
            {
                string text = Encoding.UTF8.GetString(texts[i]);
                Assert.That(_tokenizer.Encode(texts[i], false, false), Is.EqualTo(ids[i]), text);
                Assert.That(_tokenizer.Encode(text, false, false), Is.EqualTo(ids[i]), text);
            }
        });
    }
}
