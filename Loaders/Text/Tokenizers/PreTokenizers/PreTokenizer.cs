namespace TinyMllm.Loaders.Text.Tokenizers.PreTokenizers;

/// <summary>
/// What <c>tokenizer.ggml.pre</c> names: the patterns that cut text into words before pairs are merged, applied one after the
/// other to every piece that the one before left, and a few habits of the vocabulary that go with them.
/// </summary>
internal sealed record PreTokenizer
{
    private PreTokenizer(params SplitStage[] stages) => Stages = stages;

    /// <summary>The patterns in order.</summary>
    public SplitStage[] Stages { get; }

    /// <summary>A word that is a token is taken whole, whatever the merges would make of it.</summary>
    public bool IgnoresMerges { get; private init; }

    /// <summary>A start token goes first unless the file says otherwise.</summary>
    public bool AddsBos { get; private init; }

    /// <summary>There is no start token unless the file names one.</summary>
    public bool LacksBos { get; private init; }

    /// <summary>Token texts are plain UTF-8 instead of the 256-letter byte alphabet.</summary>
    public bool RawText { get; private init; }

    /// <summary>The pre-tokenizer of that name. Only names of vocabularies that a supported architecture has are known.</summary>
    /// <exception cref="UnsupportedTokenizerException">There is none; the message names the key.</exception>
    public static PreTokenizer Find(string name) => name switch
    {
        "" or "default" => Default,
        "llama3" or "llama-v3" or "llama-bpe" or "falcon3" or "pixtral" or "midm-2.0" or "lfm2" => Llama3 with { IgnoresMerges = true, AddsBos = true },
        "smaug-bpe" => Llama3,
        "glm4" or "chatglm-bpe" => Llama3 with { LacksBos = true },
        "gpt-2" or "phi-2" or "gigachat" or "a.x-4.0" or "mellum" or "mpt" or "olmo" or "trillion" or "granite-docling" => Gpt2,
        "starcoder" or "refact" or "minerva-7b" or "smollm" => StarCoder,
        "falcon" => Falcon,
        "qwen2" or "deepseek-r1-qwen" or "kormo" or "f2llmv2" or "hunyuan" or "stablelm2" or "megrez" => Qwen2,
        "qwen35" => Qwen35,
        "deepseek-llm" => DeepSeekLlm,
        "deepseek-coder" => DeepSeekCoder,
        "deepseek-v3" or "hunyuan-dense" or "joyai-llm" => DeepSeek3,
        "tekken" => Tekken,
        "gpt-4o" or "kanana2" => Gpt4o,
        "youtu" => Youtu,
        "minicpm5" => MiniCpm5,
        "seed-coder" => SeedCoder,
        "viking" => Viking,
        "kimi-k2" => Kimi,
        "gemma4" => Gemma4,
        _ => throw new UnsupportedTokenizerException(TokenizerKeys.PreTokenizer, $"pre-tokenizer '{name}' is not known"),
    };

    /// <summary>The end of each word: every pattern cuts up the pieces that the one before left.</summary>
    public List<int> Split(ClassifiedText text)
    {
        List<int> pieces = [text.Length];
        List<int> parts = [];
        foreach (SplitStage stage in Stages)
        {
            int start = 0;
            foreach (int end in pieces)
            {
                stage.Split(text, start, end, parts);
                start = end;
            }

            (pieces, parts) = (parts, pieces);
            parts.Clear();
        }

        return pieces;
    }

    private const string Cjk = "3040-30FF 4E00-9FA5";
    private const string ChineseJapaneseKorean = "0800-9FA5 AC00-D7FF"; // 4E00-9FA5, 0800-4E00 and AC00-D7FF as in the pattern

    private static SplitStage Numbers { get; } = Run(CharSet.Of(CharClass.Number));

    private static SplitStage NumberAlone { get; } = Run(CharSet.Of(CharClass.Number), maximum: 1);

    private static SplitStage NumberTriples { get; } = Run(CharSet.Of(CharClass.Number), maximum: 3);

    private static SplitStage AsciiTriples { get; } = Run(CharSet.Parse("0030-0039"), minimum: 3, maximum: 3);

    private static SplitStage LineEnd { get; } = Run(CharSet.Of(CharClass.None, "\r\n"), maximum: 1);

    private static SplitStage GptWords { get; } = new PatternStage<GptPattern>(default);

    private static SplitStage VikingWords { get; } =
        Run(CharSet.Of(CharClass.Space, "(|.,!?…。，、।۔،)").Negate(), lead: Lead.Space);

    private static PreTokenizer Default { get; } =
        new(Run(CharSet.Of(CharClass.Punctuation, "$+<=>^~|")), GptWords, Numbers, AsciiTriples);

    private static PreTokenizer Gpt2 { get; } = new(GptWords);

    private static PreTokenizer Llama3 { get; } = new(Stage(new LlamaPattern(MaximumDigits: 3)));

    private static PreTokenizer Qwen2 { get; } = new(Stage(new LlamaPattern(MaximumDigits: 1)));

    private static PreTokenizer Qwen35 { get; } = new(Stage(new LlamaPattern(MaximumDigits: 1, LetterRule.LettersAndMarks)));

    private static PreTokenizer StarCoder { get; } = new(NumberAlone, GptWords);

    private static PreTokenizer Falcon { get; } =
        new(Run(CharSet.Of(CharClass.Punctuation, "$+<=>^~|`")), GptWords, AsciiTriples);

    private static PreTokenizer DeepSeekLlm { get; } = new(
        LineEnd,
        Run(CasedLetters.Set, lead: Lead.AnyWhiteSpace),
        Run(CharSet.Parse("0021-002F 003A-007E 2018-201F 3000-3002 FF01-FF0F FF1A-FF5E"), lead: Lead.AnyWhiteSpace),
        new TrailingSpaceStage(),
        Run(CharSet.Parse(ChineseJapaneseKorean)),
        Numbers);

    private static PreTokenizer DeepSeekCoder { get; } = new(
        LineEnd,
        Run(CharSet.Of(CharClass.Letter), lead: Lead.AnyWhiteSpace),
        Run(CharSet.Of(CharClass.Punctuation), lead: Lead.AnyWhiteSpace),
        Run(CharSet.Parse(ChineseJapaneseKorean)),
        NumberAlone);

    private static PreTokenizer DeepSeek3 { get; } =
        new(NumberTriples, Run(CharSet.Parse(Cjk)), new PatternStage<DeepSeekPattern>(default));

    private static PreTokenizer Tekken { get; } =
        new(Stage(new CasedPattern(MaximumDigits: 1, KeepsContractions: false))) { IgnoresMerges = true, AddsBos = true };

    private static PreTokenizer Gpt4o { get; } = new(Stage(new CasedPattern(MaximumDigits: 3, KeepsContractions: true)));

    private static PreTokenizer Youtu { get; } = new(
        Stage(new AlternativeRunsPattern(
            CharSet.Parse("3131-318E AC00-D7A3"),
            CharSet.Parse("2014 2018-2019 201C-201D 2026 3001-303F FE30-FE4F FF01 FF0C FF1A-FF1B"),
            CharSet.Parse("3105-312F"),
            CharSet.Parse(Cjk))),
        Stage(new CasedPattern(MaximumDigits: 1, KeepsContractions: true))) { IgnoresMerges = true };

    private static PreTokenizer MiniCpm5 { get; } =
        new(NumberTriples, Stage(new LlamaPattern(MaximumDigits: int.MaxValue))) { IgnoresMerges = true };

    private static PreTokenizer SeedCoder { get; } = new(Stage(new LlamaPattern(MaximumDigits: 1, LineEnds: 0)));

    private static PreTokenizer Viking { get; } = new(VikingWords, NumberAlone);

    private static PreTokenizer Kimi { get; } = new(new PatternStage<KimiPattern>(default));

    private static PreTokenizer Gemma4 { get; } =
        new(Run(CharSet.Of(CharClass.None, "\n"))) { RawText = true, AddsBos = true };

    private static PatternStage<TPattern> Stage<TPattern>(TPattern pattern)
        where TPattern : struct, IWordPattern => new(pattern);

    private static PatternStage<RunPattern> Run(CharSet set, int minimum = 1, int maximum = int.MaxValue, Lead lead = Lead.None) =>
        new(new RunPattern(set, minimum, maximum, lead));
}
