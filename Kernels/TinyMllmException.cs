namespace TinyMllm;

/// <summary>What a <see cref="TinyMllmException"/> is about, and with that who can do something about it.</summary>
public enum TinyMllmErrorKind
{
    /// <summary>A model file is damaged or contradicts itself. Download it again, or take another file.</summary>
    InvalidModelFile,

    /// <summary>A model file is well formed, but the engine cannot run it. Take another model.</summary>
    UnsupportedModel,

    /// <summary>This machine lacks the instruction set that was asked for.</summary>
    UnsupportedMachine,

    /// <summary>A picture cannot be decoded, or is larger than the limits allow. Whoever sent it must send another.</summary>
    InvalidImage,

    /// <summary>The prompt does not fit the pictures that came with it.</summary>
    InvalidPrompt,

    /// <summary>A chat template cannot be used, or refuses the conversation.</summary>
    InvalidChatTemplate,

    /// <summary>A grammar or a JSON schema cannot be used.</summary>
    InvalidGrammar,

    /// <summary>The prompt and its pictures have more tokens than the context holds.</summary>
    ContextOverflow,

    /// <summary>A saved session is damaged, or belongs to another model.</summary>
    InvalidSession,

    /// <summary>A model cannot be downloaded from a hub.</summary>
    Download,

    /// <summary>A model cannot be quantised as asked.</summary>
    Quantization,
}

/// <summary>
/// The base of every exception that this library defines. The message is one line: it names what was found and what was expected. Wrong
/// arguments are <see cref="ArgumentException"/>s, files that cannot be opened are <see cref="IOException"/>s, and work that was stopped is
/// an <see cref="OperationCanceledException"/>, as everywhere in .NET.
/// </summary>
public abstract class TinyMllmException : Exception
{
    /// <summary>Only this library derives from it.</summary>
    internal TinyMllmException(TinyMllmErrorKind kind, string message, Exception? innerException = null)
        : base(message, innerException) => Kind = kind;

    /// <summary>What it is about.</summary>
    public TinyMllmErrorKind Kind { get; }
}
