namespace TinyMllm.Loaders.Text.Tokenizers;

/// <summary>
/// A vocabulary as the file tells it, with the defaults of its family filled in. Ids are -1 where there is no such token.
/// </summary>
internal sealed record TokenizerVocabulary
{
    public required TokenizerFamily Family { get; init; }

    /// <summary>Name of the word patterns; byte-pair vocabularies only.</summary>
    public string PreTokenizer { get; init; } = "default";

    /// <summary>Text of each token as stored, UTF-8 most of the time.</summary>
    public required byte[][] Tokens { get; init; }

    /// <summary>Score of each token, at least as many as tokens, or empty for all 0.</summary>
    public float[] Scores { get; init; } = [];

    /// <summary><see cref="TokenType"/> of each token, at least as many as tokens, or empty for all normal.</summary>
    public int[] Types { get; init; } = [];

    /// <summary>Pairs <c>left right</c> in rank order; byte-pair vocabularies only.</summary>
    public byte[][] Merges { get; init; } = [];

    public int Bos { get; init; } = -1;

    public int Eos { get; init; } = -1;

    public int Eot { get; init; } = -1;

    public int Eom { get; init; } = -1;

    public int Unknown { get; init; } = -1;

    public int Separator { get; init; } = -1;

    public int Padding { get; init; } = -1;

    public int Mask { get; init; } = -1;

    public int FimPad { get; init; } = -1;

    public int FimRepository { get; init; } = -1;

    public int FimSeparator { get; init; } = -1;

    public bool AddBos { get; init; }

    public bool AddEos { get; init; }

    /// <summary>A space goes before text at the start and after special tokens.</summary>
    public bool AddSpacePrefix { get; init; }

    /// <summary>Word-piece only.</summary>
    public bool Lowercase { get; init; } = true;

    /// <summary>Word-piece only.</summary>
    public bool StripAccents { get; init; } = true;

    /// <summary>Tokens that must not be sampled.</summary>
    public int[] SuppressedTokens { get; init; } = [];

    /// <summary><c>general.name</c>: some files are only recognised by it.</summary>
    public string ModelName { get; init; } = "";

    /// <summary>What the file says that cannot be so and was ignored.</summary>
    public string[] Warnings { get; init; } = [];

    /// <summary>Whether token texts write a space as U+2581; otherwise they are in the byte alphabet, or plain.</summary>
    public bool EscapesSpaces => Family != TokenizerFamily.BytePair || PreTokenizers.PreTokenizer.Find(PreTokenizer).RawText;

    /// <summary>Checks that lists and ids fit the tokens.</summary>
    /// <exception cref="TokenizerException">They do not; the message names the key.</exception>
    public void Validate()
    {
        if (Tokens.Length == 0) throw new TokenizerException(TokenizerKeys.Tokens, "found no tokens, expected at least one");
        RequireLength(TokenizerKeys.Scores, Scores.Length);
        RequireLength(TokenizerKeys.Types, Types.Length);
        RequireId(TokenizerKeys.Bos, Bos);
        RequireId(TokenizerKeys.Eos, Eos);
        RequireId(TokenizerKeys.Eot, Eot);
        RequireId(TokenizerKeys.Eom, Eom);
        for (int id = 0; id < Math.Min(Types.Length, Tokens.Length); id++)
        {
            if (Types[id] is < 0 or > (int)TokenType.Byte)
                throw new TokenizerException(TokenizerKeys.Types, $"token {id} has type {Types[id]}, expected 0 to {(int)TokenType.Byte}");
        }
    }

    private void RequireLength(string key, int length)
    {
        if (length != 0 && length < Tokens.Length)
            throw new TokenizerException(key, $"found {length} values, expected one for each of {Tokens.Length} tokens");
    }

    private void RequireId(string key, int id)
    {
        if (id >= Tokens.Length)
            throw new TokenizerException(key, $"found token {id}, but the vocabulary has {Tokens.Length} tokens");
    }
}

/// <summary>How a vocabulary cuts text; from <c>tokenizer.ggml.model</c>.</summary>
internal enum TokenizerFamily
{
    /// <summary><c>llama</c>: pairs merged by token score (SentencePiece BPE).</summary>
    SentencePiece,

    /// <summary><c>gpt2</c>: words cut by patterns, pairs merged by rank.</summary>
    BytePair,

    /// <summary><c>bert</c>: longest known prefix of each word.</summary>
    WordPiece,
}
