using Microsoft.Extensions.AI;
using TinyMllm;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Registers a model with a service collection.</summary>
public static class TinyMllmServiceCollectionExtensions
{
    /// <summary>
    /// Registers a model, loaded when it is first asked for and disposed with the provider, and its chat client:
    /// <see cref="VisionLanguageModel"/>,
    /// <see cref="IChatClient"/> and, for pictures, <see cref="IEmbeddingGenerator{TInput, TEmbedding}"/> of <see cref="DataContent"/>.
    /// </summary>
    /// <param name="services">The collection.</param>
    /// <param name="modelPath">The language model's GGUF file.</param>
    /// <param name="projectorPath">The picture encoder's GGUF file, or null for text alone.</param>
    /// <param name="options">Threads, context, precision; null for the defaults.</param>
    public static IServiceCollection AddTinyMllm(
        this IServiceCollection services, string modelPath, string? projectorPath = null, ModelOptions? options = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(modelPath);
        return services.AddTinyMllm(_ => VisionLanguageModel.Load(modelPath, projectorPath, options));
    }

    /// <summary>Registers a model that a function loads when it is first asked for, for instance with paths out of the configuration, and
    /// its chat client.</summary>
    /// <param name="services">The collection.</param>
    /// <param name="load">Loads the model; called once.</param>
    public static IServiceCollection AddTinyMllm(this IServiceCollection services, Func<IServiceProvider, VisionLanguageModel> load)
    {
        ArgumentNullException.ThrowIfNull(services);
        ArgumentNullException.ThrowIfNull(load);
        services.AddSingleton(load);
        services.AddSingleton(provider => provider.GetRequiredService<VisionLanguageModel>().AsChatClient());
        services.AddSingleton(provider => provider.GetRequiredService<VisionLanguageModel>().AsImageEmbeddingGenerator());
        return services;
    }

    /// <summary>Registers one of several models under a key, for <c>[FromKeyedServices(key)]</c>.</summary>
    /// <param name="services">The collection.</param>
    /// <param name="serviceKey">The key.</param>
    /// <param name="load">Loads the model; called once.</param>
    public static IServiceCollection AddKeyedTinyMllm(
        this IServiceCollection services, object serviceKey, Func<IServiceProvider, VisionLanguageModel> load)
    {
        ArgumentNullException.ThrowIfNull(services);
        ArgumentNullException.ThrowIfNull(load);
        services.AddKeyedSingleton(serviceKey, (provider, _) => load(provider));
        services.AddKeyedSingleton(serviceKey,
            (provider, key) => provider.GetRequiredKeyedService<VisionLanguageModel>(key).AsChatClient());
        services.AddKeyedSingleton(serviceKey,
            (provider, key) => provider.GetRequiredKeyedService<VisionLanguageModel>(key).AsImageEmbeddingGenerator());
        return services;
    }
}
