using Microsoft.Extensions.AI;
using TinyMllm.Generation;
using TinyMllm.Loaders.Images;

namespace TinyMllm.ExtensionsAI;

/// <summary>A model's picture encoder behind Microsoft.Extensions.AI's embedding interface: one pooled vector per picture.</summary>
internal sealed class PictureEmbeddingGenerator(VisionLanguageModel model) : IEmbeddingGenerator<DataContent, Embedding<float>>
{
    private readonly ContentReader _contents = new(new PictureFolder(null), model.Pictures);

    public async Task<GeneratedEmbeddings<Embedding<float>>> GenerateAsync(
        IEnumerable<DataContent> values, EmbeddingGenerationOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(values);
        Check(options);
        var embeddings = new GeneratedEmbeddings<Embedding<float>>();
        long tokens = 0;
        foreach (DataContent value in values)
        {
            using PictureMemory memory = PictureDecoder.CreateMemory();
            var scope = new PictureScope(memory, cancellationToken);
            RgbImage image = await Worker.RunAsync(() => _contents.Read(value, scope), cancellationToken).ConfigureAwait(false);
            ImageEmbedding embedding = await model.EmbedAsync(image, cancellationToken).ConfigureAwait(false);
            tokens += embedding.Tokens;
            embeddings.Add(new Embedding<float>(embedding.Pool()) { ModelId = model.Info.Name, CreatedAt = DateTimeOffset.UtcNow });
        }

        embeddings.Usage = new UsageDetails { InputTokenCount = tokens, TotalTokenCount = tokens };
        return embeddings;
    }

    /// <summary>Refuses options that cannot be honoured.</summary>
    private void Check(EmbeddingGenerationOptions? options)
    {
        if (options is null) return;
        ChatOptionsReader.CheckModel(options.ModelId, model.Info.Name, "EmbeddingGenerationOptions.ModelId");
        int length = model.Vision!.EmbeddingLength;
        if (options.Dimensions is { } dimensions && dimensions != length)
            throw new NotSupportedException($"EmbeddingGenerationOptions.Dimensions is {dimensions}, but this model's embeddings have {length}");
        if (options.RawRepresentationFactory?.Invoke(this) is { } raw)
            throw new ArgumentException($"EmbeddingGenerationOptions.RawRepresentationFactory gives a {raw.GetType().Name}, but there are no options to give");
    }

    public object? GetService(Type serviceType, object? serviceKey = null)
    {
        ArgumentNullException.ThrowIfNull(serviceType);
        if (serviceKey is not null) return null;
        if (serviceType == typeof(EmbeddingGeneratorMetadata))
        {
            return new EmbeddingGeneratorMetadata("tinymllm", null, model.Info.Name,
                model.Vision!.EmbeddingLength);
        }

        if (serviceType.IsInstanceOfType(this)) return this;
        return serviceType.IsInstanceOfType(model) ? model : null;
    }

    public void Dispose()
    {
        // The model belongs to whoever loaded it.
    }
}
