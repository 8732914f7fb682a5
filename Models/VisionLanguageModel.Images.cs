using TinyMllm.Generation;
using TinyMllm.Loaders.Images;

namespace TinyMllm;

public sealed partial class VisionLanguageModel
{
    private PictureDecoder? _pictures;

    /// <summary>How this model decodes pictures in requests; give it to <see cref="RgbImage.Load"/> for those that you decode.</summary>
    public ImageOptions ImageOptions => _options.ImagesOrDefault;

    /// <summary>Decodes pictures in requests.</summary>
    internal PictureDecoder Pictures => LazyInitializer.EnsureInitialized(ref _pictures, () => new PictureDecoder(ImageOptions));
}
