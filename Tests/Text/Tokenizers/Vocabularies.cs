using System.Text;
using TinyMllm.Loaders.Gguf;
using TinyMllm.Loaders.Text.Tokenizers;
using TinyMllm.Tests.Support;

namespace TinyMllm.Tests.Text.Tokenizers;

/// <summary>The vocabularies of the goldens, each loaded once.</summary>
internal static class Vocabularies
{
    private const string Separator = "\n__ggml_vocab_test__\n";
    private static readonly Dictionary<string, Tokenizer> Loaded = [];

    public static readonly string[] Names =
    [
        "bert-bge", "deepseek-coder", "deepseek-llm", "falcon", "gpt-2", "llama-bpe", "llama-spm", "mpt", "phi-3", "qwen2", "refact",
        "starcoder",
    ];

    /// <summary>Texts of the golden tests, as bytes.</summary>
    public static List<byte[]> Texts(string name)
    {
        ReadOnlySpan<byte> all = File.ReadAllBytes(Golden.Path($"tokenizers/ggml-vocab-{name}.gguf.inp"));
        ReadOnlySpan<byte> separator = Encoding.UTF8.GetBytes(Separator);
        List<byte[]> texts = [];
        while (all.IndexOf(separator) is >= 0 and int end)
        {
            texts.Add(all[..end].ToArray());
            all = all[(end + separator.Length)..];
        }

        return texts;
    }

    /// <summary>The ids that belong to <see cref="Texts"/>.</summary>
    public static List<int[]> Ids(string name) =>
    [
        .. File.ReadAllText(Golden.Path($"tokenizers/ggml-vocab-{name}.gguf.out")).TrimEnd('\r').Split('\n')[..^1]
            .Select(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(int.Parse).ToArray()),
    ];

    public static Tokenizer Tokenizer(string name)
    {
        lock (Loaded)
        {
            if (Loaded.TryGetValue(name, out Tokenizer? tokenizer)) return tokenizer;
            using var file = GgufFile.Open(Golden.Path($"tokenizers/ggml-vocab-{name}.gguf"));
            return Loaded[name] = TinyMllm.Loaders.Text.Tokenizers.Tokenizer.Load(file.Metadata);
        }
    }
}
