namespace TinyMllm.Loaders.Text.Tokenizers;

/// <summary>A vocabulary that contradicts itself; the message names the metadata key, what was found and what was expected.</summary>
public class TokenizerException : TinyMllmException
{
    /// <summary>Creates the exception.</summary>
    /// <param name="key">Metadata key at fault.</param>
    /// <param name="problem">What was found and what was expected.</param>
    public TokenizerException(string key, string problem)
        : this(TinyMllmErrorKind.InvalidModelFile, key, problem)
    {
    }

    private protected TokenizerException(TinyMllmErrorKind kind, string key, string problem)
        : base(kind, $"{key}: {problem}") => Key = key;

    /// <summary>The metadata key at fault, such as <c>tokenizer.ggml.merges</c>.</summary>
    public string Key { get; }
}

/// <summary>A vocabulary of a kind that the engine does not know.</summary>
public sealed class UnsupportedTokenizerException : TokenizerException
{
    /// <inheritdoc/>
    public UnsupportedTokenizerException(string key, string problem)
        : base(TinyMllmErrorKind.UnsupportedModel, key, problem)
    {
    }
}
