using System.Text;

namespace TinyMllm.Loaders.Text.Tokenizers;

/// <summary>
/// The tokens that steer a model: ids the file names, ids recognised by their text, the set that ends generation, and the types
/// of all tokens corrected accordingly (docs/formats/tokenizers.md#tokens-that-end-an-answer).
/// </summary>
internal sealed class SpecialTokens
{
    // In order of preference where a vocabulary has several.
    private static readonly string[] EotTexts =
    [
        "<|eot_id|>", "<|im_end|>", "<|end|>", "<end_of_turn>", "<|endoftext|>", "<|end_of_text|>", "<EOT>", "_<EOT>", "[EOT]",
        "<｜end▁of▁sentence｜>", "<end_of_utterance>",
    ];

    private static readonly string[] EndTexts =
    [
        "<|eot_id|>", "<|im_end|>", "<|end|>", "<|return|>", "<|call|>", "<|flush|>", "<|calls|>", "<end_of_turn>", "<|endoftext|>",
        "</s>", "<|eom_id|>", "<EOT>", "_<EOT>", "[EOT]", "[EOS]", "<|end_of_text|>", "<end_of_utterance>", "<eos>", "<turn|>",
        "<|tool_response>", "<｜end▁of▁sentence｜>",
    ];

    private static readonly string[] FimPadTexts = ["<|fim_pad|>", "<fim-pad>", "<fim_pad>", "<PAD>", "[PAD]"];
    private static readonly string[] FimRepositoryTexts = ["<|fim_repo|>", "<|repo_name|>", "<fim-repo>", "<REPO>", "<reponame>"];
    private static readonly string[] FimSeparatorTexts = ["<|file_sep|>"];

    // Marks of the harmony chat format that a reader of the raw answer needs to see.
    private static readonly string[] ShownTexts = ["<|channel|>", "<|message|>", "<|start|>", "<|constrain|>"];

    private readonly ByteStringTable _tokens;
    private readonly bool[] _ends;

    public SpecialTokens(TokenizerVocabulary vocabulary, ByteStringTable tokens)
    {
        _tokens = tokens;
        _ends = new bool[tokens.Count];
        Types = new TokenType[tokens.Count];
        for (int id = 0; id < Types.Length; id++)
            Types[id] = vocabulary.Types.Length == 0 ? TokenType.Normal : (TokenType)vocabulary.Types[id];

        Eot = vocabulary.Eot >= 0 ? vocabulary.Eot : MarkFirst(EotTexts);
        Eom = vocabulary.Eom >= 0 ? vocabulary.Eom : MarkFirst(["<|eom_id|>"]);
        int fimPad = vocabulary.FimPad >= 0 ? vocabulary.FimPad : MarkFirst(FimPadTexts);
        int fimRepository = vocabulary.FimRepository >= 0 ? vocabulary.FimRepository : MarkFirst(FimRepositoryTexts);
        int fimSeparator = vocabulary.FimSeparator >= 0 ? vocabulary.FimSeparator : MarkFirst(FimSeparatorTexts);

        foreach (string text in EndTexts)
        {
            int id = Find(text);
            if (id < 0) continue;
            _ends[id] = true;
            Types[id] = TokenType.Control;
        }

        foreach (int id in (ReadOnlySpan<int>)[fimPad, fimRepository, fimSeparator, vocabulary.Eos, Eot, Eom])
            if (id >= 0) _ends[id] = true;

        foreach (string text in ShownTexts)
            if (Find(text) is >= 0 and int id) Types[id] = TokenType.UserDefined;
        CorrectHarmony();
        if (Ends("<|tool_response>")) Release("</s>", TokenType.Normal);
    }

    /// <summary>The type of each token.</summary>
    public TokenType[] Types { get; }

    public int Eot { get; }

    public int Eom { get; }

    /// <summary>Whether generation stops at this token.</summary>
    public bool IsEnd(int id) => _ends[id];

    /// <summary>In the harmony format a message ends with &lt;|end|&gt; but the answer goes on after it.</summary>
    private void CorrectHarmony()
    {
        bool returns = Ends("<|return|>");
        bool calls = Ends("<|call|>") || Ends("<|calls|>");
        if ((returns && calls) || (calls && Ends("<|flush|>"))) Release("<|end|>", TokenType.UserDefined);
    }

    private bool Ends(string text) => Find(text) is >= 0 and int id && _ends[id];

    private void Release(string text, TokenType type)
    {
        int id = Find(text);
        if (id < 0) return;
        _ends[id] = false;
        Types[id] = type;
    }

    private int MarkFirst(ReadOnlySpan<string> texts)
    {
        foreach (string text in texts)
        {
            int id = Find(text);
            if (id < 0) continue;
            Types[id] = TokenType.Control;
            return id;
        }

        return -1;
    }

    private int Find(string text) => _tokens.Find(Encoding.UTF8.GetBytes(text));
}
