namespace TinyMllm;

/// <summary>
/// A model file is well formed, but the engine cannot run it: an architecture that it does not know, a metadata key or tensor that is
/// missing, or a tensor of another shape than the architecture has. The message names the file, the key or tensor, what was found and
/// what was expected.
/// </summary>
public sealed class UnsupportedModelException : TinyMllmException
{
    /// <summary>Says why in one line.</summary>
    public UnsupportedModelException(string message)
        : base(TinyMllmErrorKind.UnsupportedModel, message)
    {
    }

    /// <summary>Says why in one line and keeps the cause.</summary>
    public UnsupportedModelException(string message, Exception inner)
        : base(TinyMllmErrorKind.UnsupportedModel, message, inner)
    {
    }
}
