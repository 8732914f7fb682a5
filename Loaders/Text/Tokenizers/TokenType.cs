namespace TinyMllm.Loaders.Text.Tokenizers;

/// <summary>What a token stands for; the values of <c>tokenizer.ggml.token_type</c>.</summary>
public enum TokenType : byte
{
    /// <summary>Not said; treated like <see cref="Unused"/>.</summary>
    Undefined = 0,

    /// <summary>A piece of text.</summary>
    Normal = 1,

    /// <summary>Stands for text that the vocabulary cannot express.</summary>
    Unknown = 2,

    /// <summary>Steers the model (start, end, turn, picture); never shown, and only found in text when special tokens are parsed.</summary>
    Control = 3,

    /// <summary>A piece of text that is always kept whole.</summary>
    UserDefined = 4,

    /// <summary>A filler that no text produces.</summary>
    Unused = 5,

    /// <summary>One raw byte, written <c>&lt;0xXX&gt;</c>.</summary>
    Byte = 6,
}
