using System.Text;
using System.Text.RegularExpressions;
using TinyMllm.Loaders.Text.Tokenizers;
using TinyMllm.Loaders.Text.Tokenizers.PreTokenizers;

namespace TinyMllm.Tests.Text.Tokenizers;

/// <summary>The hand-written word patterns against the regular expressions they stand for, on random text of the basic plane.</summary>
public sealed class PreTokenizerTests
{
    private const string Contraction = "(?i:'s|'t|'re|'ve|'m|'ll|'d)";
    private const string Gpt2 = @"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+";
    private const string Tail = @"|\s*[\r\n]+|\s+(?!\S)|\s+";
    private const string Llama3Head = Contraction + @"|[^\r\n\p{L}\p{N}]?\p{L}+|";
    private const string Llama3 = Llama3Head + @"\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*" + Tail;
    private const string Qwen2 = Llama3Head + @"\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*" + Tail;
    private const string Upper = @"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]";
    private const string Lower = @"[\p{Ll}\p{Lm}\p{Lo}\p{M}]";
    private const string Lead = @"[^\r\n\p{L}\p{N}]?";
    private const string CasedTail = @"| ?[^\s\p{L}\p{N}]+[\r\n/]*" + Tail;
    private const string O200k = Lead + Upper + "*" + Lower + "+" + Contraction + "?|" + Lead + Upper + "+" + Lower + "*" + Contraction + @"?|\p{N}{1,3}" + CasedTail;
    private const string Cjk = "[\u4E00-\u9FA5\u3040-\u309F\u30A0-\u30FF]+";
    private const string Asian = "[\u4E00-\u9FA5\u0800-\u4E00\uAC00-\uD7FF]+";
    private const string DeepSeek3 =
        @"[!""#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*" + Tail;

    private static readonly Dictionary<string, string[]> Patterns = new()
    {
        ["default"] = [@"[\p{P}\$\+<=>\^~\|]+", Gpt2, @"\p{N}+", "[0-9][0-9][0-9]"],
        ["gpt-2"] = [Gpt2],
        ["llama-bpe"] = [Llama3],
        ["qwen2"] = [Qwen2],
        ["qwen35"] =
        [
            Contraction + @"|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*" + Tail,
        ],
        ["starcoder"] = [@"\p{N}", Gpt2],
        ["falcon"] = [@"[\p{P}\$\+<=>\^~\|`]+", Gpt2, "[0-9][0-9][0-9]"],
        ["deepseek-coder"] = [@"[\r\n]", @"\s?\p{L}+", @"\s?\p{P}+", Asian, @"\p{N}"],
        ["deepseek-v3"] = [@"\p{N}{1,3}", Cjk, DeepSeek3],
        ["tekken"] = [Lead + Upper + "*" + Lower + "+|" + Lead + Upper + "+" + Lower + @"*|\p{N}" + CasedTail],
        ["gpt-4o"] = [O200k],
        ["youtu"] =
        [
            "[\uAC00-\uD7A3\u3131-\u318E]+|[\uFF01\u2026\u201C\u201D\u2018\u2019\u2014\uFF1A\uFF1B\uFF0C\u3001-\u303F\uFE30-\uFE4F]+|[\u3105-\u312F]+|" + Cjk,
            O200k.Replace("{1,3}", ""),
        ],
        ["minicpm5"] = [@"\p{N}{1,3}", Llama3.Replace("{1,3}", "+")],
        ["seed-coder"] = [Llama3Head + @"\p{N}{1}| ?[^\s\p{L}\p{N}\r\n]+" + Tail],
        ["viking"] = [@" ?[^(\s|.,!?…。，、।۔،)]+", @"\p{N}"],
        ["gemma4"] = [@"[^\n]+|[\n]+"],
        ["kimi-k2"] =
        [
            @"[\u4E00-\u9FFF\u3400-\u4DBF\uF900-\uFAFF]+|[^\r\n\p{L}\p{N}]?[\p{L}-[\u4E00-\u9FFF\u3400-\u4DBF\uF900-\uFAFF]]+" + Contraction
                + @"?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*" + Tail,
        ],
        ["deepseek-llm"] =
        [
            @"[\r\n]", $@"\s?[{RegexClass(CasedLetters.Ranges)}]+",
            "\\s?[!-/:-~\uFF01-\uFF0F\uFF1A-\uFF5E\u2018-\u201F\u3000-\u3002]+", @"\s+$(?!\n)", Asian, @"\p{N}+",
        ],
    };

    /// <summary>Every class of character that some pattern tells apart, the common ones several times.</summary>
    private const string Alphabet =
        "aabcstrevmldSTRZ  \t\n\r\n  '''1234567890.,!?/$+<>^~|`\"#(-_)=;éßΩжШ中文字かナ한글م،。、！：’“…«½²Ⅷ١ʰˀªǅ\u0301\u0308\u093E\u20DD€©\u00A0\u2003\u3000\u2028\u0085\u0001\uFFFDกကⴰ";

    private static IEnumerable<string> Names => Patterns.Keys;

    [TestCaseSource(nameof(Names))]
    public void Words_are_those_of_the_regular_expressions(string name)
    {
        Regex[] regexes = [.. Patterns[name].Select(pattern => new Regex(pattern, RegexOptions.CultureInvariant))];
        var random = new Random(7);
        for (int round = 0; round < 3000; round++)
        {
            string text = RandomText(random);
            string[] expected = [text];
            foreach (Regex regex in regexes) expected = [.. expected.SelectMany(piece => Cut(piece, regex))];
            Assert.That(Split(name, text), Is.EqualTo(expected), $"{name}: {Escape(text)}");
        }
    }

    [TestCase("gpt-2", "Hello world", "Hello| world")]
    [TestCase("gpt-2", "I'll  go\n", "I|'ll| | go|\n")]
    [TestCase("llama-bpe", "12345 X'S", "123|45| X|'S")]
    [TestCase("llama-bpe", "a \n b", "a| \n| b")]
    [TestCase("gpt-4o", "HelloWorld'S ABCdef", "Hello|World'S| ABCdef")]
    [TestCase("llama-bpe", "\U0001D538\U0001D539 \U0001F600!", "\U0001D538\U0001D539| \U0001F600!")]
    [TestCase("kimi-k2", "hi\U00020000\U00020001lo", "hi|\U00020000\U00020001|lo")]
    public void Examples(string name, string text, string words) => Assert.That(string.Join('|', Split(name, text)), Is.EqualTo(words));

    [Test]
    public void Every_name_that_a_supported_architecture_has_is_known()
    {
        string[] names =
        [
            "default", "", "llama3", "llama-v3", "llama-bpe", "falcon3", "pixtral", "midm-2.0", "lfm2", "smaug-bpe", "glm4", "chatglm-bpe", "gpt-2",
            "phi-2", "gigachat", "a.x-4.0", "mellum", "mpt", "olmo", "trillion", "granite-docling", "starcoder", "refact", "minerva-7b", "smollm",
            "falcon", "qwen2", "deepseek-r1-qwen", "kormo", "f2llmv2", "hunyuan", "stablelm2", "megrez", "qwen35", "deepseek-llm", "deepseek-coder",
            "deepseek-v3", "hunyuan-dense", "joyai-llm", "tekken", "gpt-4o", "kanana2", "youtu", "minicpm5", "seed-coder", "viking", "kimi-k2", "gemma4",
        ];
        foreach (string name in names) Assert.That(() => PreTokenizer.Find(name), Throws.Nothing, name);
    }

    [Test]
    public void An_unknown_name_is_refused_with_its_key() => Assert.That(
        () => PreTokenizer.Find("qwen99"),
        Throws.TypeOf<UnsupportedTokenizerException>().With.Message.EqualTo("tokenizer.ggml.pre: pre-tokenizer 'qwen99' is not known"));

    private static List<string> Split(string name, string text)
    {
        byte[] utf8 = Encoding.UTF8.GetBytes(text);
        var classified = ClassifiedText.Decode(utf8, new uint[utf8.Length]);
        List<string> words = [];
        int start = 0;
        int offset = 0;
        foreach (int end in PreTokenizer.Find(name).Split(classified))
        {
            int length = classified.Utf8Length(start, end);
            words.Add(Encoding.UTF8.GetString(utf8, offset, length));
            start = end;
            offset += length;
        }

        return words;
    }

    /// <summary>Ranges of the basic plane as the inside of a bracket expression.</summary>
    private static string RegexClass(string ranges) => string.Concat(ranges.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)
        .Where(range => !range.StartsWith('1') || range.Split('-')[0].Length == 4)
        .Select(range => string.Join('-', range.Split('-').Select(bound => @"\u" + bound))));

    private static IEnumerable<string> Cut(string piece, Regex regex)
    {
        int at = 0;
        foreach (Match match in regex.Matches(piece))
        {
            if (match.Index > at) yield return piece[at..match.Index];
            if (match.Length > 0) yield return match.Value;
            at = match.Index + match.Length;
        }

        if (at < piece.Length) yield return piece[at..];
    }

    private static string RandomText(Random random)
    {
        var text = new StringBuilder();
        for (int i = random.Next(1, 40); i > 0; i--) text.Append(Alphabet[random.Next(Alphabet.Length)], random.Next(8) == 0 ? random.Next(1, 12) : 1);
        if (random.Next(10) == 0) text.Append("IMGIMGAB").Append(random.Next(2) == 0 ? 'Z' : 'Y').Append("<sentinel:12>");
        return text.ToString();
    }

    private static string Escape(string text) => string.Concat(text.Select(c => c is >= ' ' and <= '~' ? c.ToString() : $"\\u{(int)c:X4}"));
}
