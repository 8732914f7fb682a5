namespace TinyMllm.Loaders.Images;

/// <summary>
/// The bytes are not a picture that the decoder can read. The message is one line that names what was found and what was expected.
/// </summary>
public sealed class ImageFormatException : TinyMllmException
{
    /// <summary>Makes the error with its one-line message.</summary>
    public ImageFormatException(string message)
        : base(TinyMllmErrorKind.InvalidImage, message)
    {
    }

    /// <summary>Makes the error with its one-line message and the failure below it.</summary>
    public ImageFormatException(string message, Exception innerException)
        : base(TinyMllmErrorKind.InvalidImage, message, innerException)
    {
    }
}
