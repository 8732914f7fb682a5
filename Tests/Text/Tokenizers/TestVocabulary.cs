using System.Text;
using TinyMllm.Loaders.Text.Tokenizers;

namespace TinyMllm.Tests.Text.Tokenizers;

/// <summary>Small vocabularies written in the test.</summary>
internal static class TestVocabulary
{
    /// <summary>A SentencePiece vocabulary: unknown, start, end, 256 bytes, then the given pieces with falling scores.</summary>
    public static TokenizerVocabulary SentencePiece(params string[] pieces)
    {
        string[] texts = ["<unk>", "<s>", "</s>", .. Enumerable.Range(0, 256).Select(value => $"<0x{value:X2}>"), .. pieces];
        return new TokenizerVocabulary
        {
            Family = TokenizerFamily.SentencePiece,
            Tokens = Utf8(texts),
            Scores = [.. texts.Select((_, id) => id < 259 ? 0f : -id)],
            Types = [.. texts.Select((_, id) => (int)(id switch { 0 => TokenType.Unknown, < 3 => TokenType.Control, < 259 => TokenType.Byte, _ => TokenType.Normal }))],
            Unknown = 0,
            Bos = 1,
            Eos = 2,
            AddBos = true,
            AddSpacePrefix = true,
        };
    }

    /// <summary>A byte-pair vocabulary: the byte alphabet, the results of the merges, then special tokens of one type.</summary>
    public static TokenizerVocabulary BytePair(string preTokenizer, string[] merges, string[]? special = null, TokenType type = TokenType.Control)
    {
        special ??= [];
        string[] texts = [.. Letters, .. merges.Select(merge => merge.Replace(" ", "")), .. special];
        return new TokenizerVocabulary
        {
            Family = TokenizerFamily.BytePair,
            PreTokenizer = preTokenizer,
            Tokens = Utf8(texts),
            Types = [.. texts.Select((_, id) => (int)(id < texts.Length - special.Length ? TokenType.Normal : type))],
            Merges = Utf8(merges),
        };
    }

    /// <summary>The letter of each byte, in the order of bytes.</summary>
    public static string[] Letters { get; } = BuildLetters();

    public static byte[][] Utf8(IEnumerable<string> texts) => [.. texts.Select(Encoding.UTF8.GetBytes)];

    private static string[] BuildLetters()
    {
        int next = 256;
        return
        [
            .. Enumerable.Range(0, 256).Select(value =>
                ((char)(value is (>= 0x21 and <= 0x7E) or (>= 0xA1 and <= 0xAC) or >= 0xAE ? value : next++)).ToString()),
        ];
    }
}
