using TinyMllm.Loaders.Gguf;

namespace TinyMllm.Loaders.Text.Tokenizers;

/// <summary>Fills a <see cref="TokenizerVocabulary"/> from a file's metadata and the defaults of its family.</summary>
internal static class VocabularyReader
{
    /// <summary>What a signed id says where there is no such token.</summary>
    private const int None = -1;

    /// <summary>Reads and checks the vocabulary.</summary>
    /// <exception cref="GgufFormatException">A key is missing or of another type.</exception>
    /// <exception cref="TokenizerException">Lists or ids do not fit each other, or the kind is unknown.</exception>
    public static TokenizerVocabulary Read(GgufMetadata metadata)
    {
        string model = metadata.GetString(TokenizerKeys.Model);
        TokenizerFamily family = model switch
        {
            "llama" => TokenizerFamily.SentencePiece,
            "gpt2" or "gemma4" => TokenizerFamily.BytePair,
            "bert" => TokenizerFamily.WordPiece,
            _ => throw new UnsupportedTokenizerException(
                TokenizerKeys.Model, $"tokenizer '{model}' is not known, expected llama, gpt2, gemma4 or bert"),
        };
        string preTokenizer = metadata.GetString(TokenizerKeys.PreTokenizer, "default");
        if (model == "gemma4") preTokenizer = "gemma4";

        byte[][] tokens = metadata.GetUtf8Array(TokenizerKeys.Tokens);
        TokenizerVocabulary vocabulary = Defaults(family, preTokenizer, tokens);
        bool lowercase = metadata.GetBoolean(TokenizerKeys.Lowercase, true);
        vocabulary = vocabulary with
        {
            Scores = metadata.TryGetSingleArray(TokenizerKeys.Scores, out float[]? scores) ? scores : [],
            Types = metadata.TryGetInt32Array(TokenizerKeys.Types, out int[]? types) ? types : [],
            Merges = ReadMerges(metadata, family, preTokenizer),
            Bos = Id(TokenizerKeys.Bos, vocabulary.Bos),
            Eos = Id(TokenizerKeys.Eos, vocabulary.Eos),
            Eot = Id(TokenizerKeys.Eot, -1),
            Eom = Id(TokenizerKeys.Eom, -1),
            Unknown = Id(TokenizerKeys.Unknown, vocabulary.Unknown),
            Separator = Id(TokenizerKeys.Separator, vocabulary.Separator),
            Padding = Id(TokenizerKeys.Padding, vocabulary.Padding),
            Mask = Id(TokenizerKeys.Mask, vocabulary.Mask),
            FimPad = Id(TokenizerKeys.FimPad, -1),
            FimRepository = Id(TokenizerKeys.FimRepository, -1),
            FimSeparator = Id(TokenizerKeys.FimSeparator, -1),
            AddBos = model == "gemma4" || metadata.GetBoolean(TokenizerKeys.AddBos, vocabulary.AddBos),
            AddEos = metadata.GetBoolean(TokenizerKeys.AddEos, vocabulary.AddEos),
            AddSpacePrefix = metadata.GetBoolean(TokenizerKeys.AddSpacePrefix, vocabulary.AddSpacePrefix),
            Lowercase = lowercase,
            StripAccents = metadata.GetBoolean(TokenizerKeys.StripAccents, lowercase),
            SuppressedTokens = metadata.TryGetInt64Array(TokenizerKeys.SuppressTokens, out long[]? suppressed)
                ? [.. suppressed.Where(IsToken).Select(id => (int)id)] : [],
            ModelName = metadata.GetString(TokenizerKeys.ModelName, ""),
        };
        vocabulary.Validate();
        return vocabulary with { Warnings = [.. Warnings(metadata, tokens.Length)] };

        // Files exist with ids beyond the vocabulary, 4294967295 for "none" among them: they count as not given, and the default stays.
        int Id(string key, int otherwise) => !metadata.TryGetInt64(key, out long id) || !(IsToken(id) || id == None) ? otherwise : (int)id;

        bool IsToken(long id) => id >= 0 && id < tokens.Length;
    }

    /// <summary>Every special token that the vocabulary does not have, whether anything here reads it or not.</summary>
    private static IEnumerable<string> Warnings(GgufMetadata metadata, int count)
    {
        foreach ((string key, GgufValue value) in metadata.Entries)
        {
            bool isId = key.StartsWith(TokenizerKeys.Prefix, StringComparison.Ordinal)
                && key.EndsWith(TokenizerKeys.IdSuffix, StringComparison.Ordinal)
                && value.Value is (byte or sbyte or ushort or short or uint or int or ulong or long);
            if (!isId || !metadata.TryGetInt64(key, out long id) || id == None || (id >= 0 && id < count)) continue;
            yield return $"{key}: found token {value}, but the vocabulary has {count} tokens; ignored";
        }

        if (!metadata.TryGetInt64Array(TokenizerKeys.SuppressTokens, out long[]? suppressed)) yield break;
        long[] outside = [.. suppressed.Where(id => id < 0 || id >= count)];
        if (outside.Length > 0)
            yield return $"{TokenizerKeys.SuppressTokens}: found token {outside[0]}, but the vocabulary has {count} tokens; ignored";
    }

    private static byte[][] ReadMerges(GgufMetadata metadata, TokenizerFamily family, string preTokenizer)
    {
        if (family != TokenizerFamily.BytePair) return [];
        if (metadata.TryGetUtf8Array(TokenizerKeys.Merges, out byte[][]? merges)) return merges;
        return preTokenizer is "kimi-k2" ? [] : throw metadata.Missing(TokenizerKeys.Merges, "the pairs that merge");
    }

    /// <summary>What holds where the file is silent (docs/formats/tokenizers.md#metadata).</summary>
    private static TokenizerVocabulary Defaults(TokenizerFamily family, string preTokenizer, byte[][] tokens)
    {
        var vocabulary = new TokenizerVocabulary { Family = family, Tokens = tokens };
        switch (family)
        {
            case TokenizerFamily.SentencePiece:
                return vocabulary with { Bos = Known(1), Eos = Known(2), Unknown = Known(0), AddBos = true, AddSpacePrefix = true };
            case TokenizerFamily.WordPiece:
                return vocabulary with
                {
                    Bos = Known(101), Unknown = Known(100), Separator = Known(102), Padding = Known(0), Mask = Known(103), AddBos = true,
                };
            default:
                var habits = PreTokenizers.PreTokenizer.Find(preTokenizer);
                int endOfText = habits.RawText ? -1 : Known(11);
                return vocabulary with
                {
                    PreTokenizer = preTokenizer, AddBos = habits.AddsBos, Bos = habits.LacksBos ? -1 : endOfText, Eos = endOfText,
                };
        }

        int Known(int id) => id < tokens.Length ? id : -1;
    }
}
