using TinyMllm.Loaders.Text.Chat;

namespace TinyMllm;

/// <summary>A prompt has more or fewer places for pictures than there are pictures.</summary>
public sealed class PictureCountException : TinyMllmException
{
    /// <summary>Says how many there are of each.</summary>
    public PictureCountException(int markers, int pictures)
        : base(TinyMllmErrorKind.InvalidPrompt, $"the prompt has {markers} place(s) for pictures ('{ChatTemplate.ImageMarker}'), {pictures} picture(s) were given")
    {
        Markers = markers;
        Pictures = pictures;
    }

    /// <summary>Places in the prompt.</summary>
    public int Markers { get; }

    /// <summary>Pictures given.</summary>
    public int Pictures { get; }
}
