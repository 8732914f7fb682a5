using Microsoft.Extensions.AI;
using TinyMllm.ExtensionsAI;

namespace TinyMllm;

public sealed partial class VisionLanguageModel
{
    /// <summary>
    /// This model as a chat client of Microsoft.Extensions.AI: pictures as <see cref="DataContent"/> or <see cref="UriContent"/> with a
    /// data: address (with a file: address below <see cref="ModelOptions.PictureFolder"/>), options mapped, structured output, tool calls.
    /// An option that is not honoured is refused. Disposing the client leaves the model loaded.
    /// </summary>
    public IChatClient AsChatClient() => new TinyMllmChatClient(this, new PictureFolder(_options.PictureFolder));

    /// <summary>This model's picture encoder as an embedding generator: one vector of length 1 per picture
    /// (<see cref="ImageEmbedding.Pool"/>).</summary>
    /// <exception cref="UnsupportedModelException">The model has no picture encoder.</exception>
    public IEmbeddingGenerator<DataContent, Embedding<float>> AsImageEmbeddingGenerator() => SupportsImages
        ? new PictureEmbeddingGenerator(this)
        : throw new UnsupportedModelException($"{Info.Name} was loaded without a picture encoder: give its mmproj file");
}
