namespace TinyMllm;

/// <summary>A saved session is damaged, is none, or belongs to another model. The message says what was found and what was expected.</summary>
public sealed class SessionFormatException : TinyMllmException
{
    /// <summary>Says why in one line and keeps the cause.</summary>
    public SessionFormatException(string message, Exception? innerException = null)
        : base(TinyMllmErrorKind.InvalidSession, message, innerException)
    {
    }
}
