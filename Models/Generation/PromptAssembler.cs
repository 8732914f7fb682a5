using System.Runtime.CompilerServices;
using TinyMllm.Loaders.Images;
using TinyMllm.Loaders.Text.Tokenizers;
using TinyMllm.Vision;
using TinyMllm.Vision.Prompting;

namespace TinyMllm.Generation;

/// <summary>Turns a prompt's text and pictures into parts that know their content, so that what was read before is recognised.</summary>
internal sealed class PromptAssembler(PromptBuilder builder, VisionModel? vision)
{
    /// <summary>A picture object that comes again was neither changed nor needs to be cut and hashed again.</summary>
    private readonly ConditionalWeakTable<RgbImage, KnownImage> _known = [];

    /// <summary>Assembles a prompt.</summary>
    /// <param name="text">The text with <see cref="PromptBuilder.Marker"/> where each picture goes.</param>
    /// <param name="images">The pictures, in the order of the markers.</param>
    /// <exception cref="PictureCountException">There are not as many markers as pictures.</exception>
    /// <exception cref="UnsupportedModelException">There are pictures, but the model has no picture encoder.</exception>
    public IReadOnlyList<PromptPart> Assemble(GuardedText text, IReadOnlyList<RgbImage> images)
    {
        if (images.Count > 0 && vision is null)
            throw new UnsupportedModelException(
                "the prompt has a picture, but the model was loaded without a picture encoder: give its mmproj file");
        KnownImage[] known = [.. images.Select(image => _known.GetValue(image, Prepare))];
        int[] slices = new int[images.Count];
        return
        [
            .. builder.Build(text, [.. known.Select(image => image.Prepared)]).Select(PromptPart (chunk) => chunk switch
            {
                ImageChunk picture => new PicturePart(known[picture.Image].Key, slices[picture.Image]++, picture),
                _ => new TextPart([.. ((TextChunk)chunk).Tokens]),
            }),
        ];
    }

    /// <summary>The content of a picture of a prompt.</summary>
    public PictureKey KeyOf(RgbImage image) => _known.GetValue(image, Prepare).Key;

    private KnownImage Prepare(RgbImage image) => new(PictureKey.Of(image), vision!.Prepare(image));

    private sealed record KnownImage(PictureKey Key, PreparedImage Prepared);
}
