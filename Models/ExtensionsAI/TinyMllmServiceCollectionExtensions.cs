using Microsoft.Extensions.AI;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using TinyMllm;
using TinyMllm.ExtensionsAI;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>
/// Registers models with a service collection. Each registration gives a <see cref="VisionLanguageModel"/>, loaded when it is first asked for
/// and disposed with the provider, an <see cref="IChatClient"/> and, for pictures, an <see cref="IEmbeddingGenerator{TInput, TEmbedding}"/>
/// of <see cref="DataContent"/>. What is returned adds middleware to the chat client.
/// </summary>
public static class TinyMllmServiceCollectionExtensions
{
    /// <summary>Registers the model that <see cref="ModelOptions"/> name, which the app configures.</summary>
    /// <param name="services">The collection.</param>
    public static ChatClientBuilder AddTinyMllm(this IServiceCollection services)
    {
        ArgumentNullException.ThrowIfNull(services);
        services.AddOptions<ModelOptions>();
        return services.AddTinyMllm(provider => Load(provider, Options.Options.DefaultName));
    }

    /// <summary>Registers a model whose <see cref="ModelOptions"/>, paths included, come from the configuration.</summary>
    /// <param name="services">The collection.</param>
    /// <param name="section">The section with the names of the options as keys, for instance <c>TinyMllm</c>.</param>
    public static ChatClientBuilder AddTinyMllm(this IServiceCollection services, IConfiguration section)
    {
        ArgumentNullException.ThrowIfNull(section);
        services.AddOptions<ModelOptions>().Bind(section);
        return services.AddTinyMllm();
    }

    /// <summary>Registers a model by its files.</summary>
    /// <param name="services">The collection.</param>
    /// <param name="modelPath">The language model's GGUF file.</param>
    /// <param name="projectorPath">The picture encoder's GGUF file, or null for text alone.</param>
    /// <param name="options">Threads, context, precision; null for the defaults.</param>
    public static ChatClientBuilder AddTinyMllm(
        this IServiceCollection services, string modelPath, string? projectorPath = null, ModelOptions? options = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(modelPath);
        ModelOptions named = (options ?? ModelOptions.Default) with { ModelPath = modelPath, ProjectorPath = projectorPath };
        return services.AddTinyMllm(provider => VisionLanguageModel.Load(named, loggerFactory: provider.GetService<ILoggerFactory>()));
    }

    /// <summary>Registers a model that a function loads.</summary>
    /// <param name="services">The collection.</param>
    /// <param name="load">Loads the model; called once.</param>
    public static ChatClientBuilder AddTinyMllm(this IServiceCollection services, Func<IServiceProvider, VisionLanguageModel> load)
    {
        ArgumentNullException.ThrowIfNull(services);
        ArgumentNullException.ThrowIfNull(load);
        services.AddSingleton(load);
        services.AddSingleton(provider => provider.GetRequiredService<VisionLanguageModel>().AsImageEmbeddingGenerator());
        return services.AddChatClient(provider => provider.GetRequiredService<VisionLanguageModel>().AsChatClient());
    }

    /// <summary>Registers one of several models under a key, for <c>[FromKeyedServices(key)]</c>. Its <see cref="ModelOptions"/> are those
    /// of the same name.</summary>
    /// <param name="services">The collection.</param>
    /// <param name="name">The key, and the name of the options.</param>
    public static ChatClientBuilder AddKeyedTinyMllm(this IServiceCollection services, string name)
    {
        ArgumentNullException.ThrowIfNull(services);
        ArgumentException.ThrowIfNullOrEmpty(name);
        services.AddOptions<ModelOptions>(name);
        return services.AddKeyedTinyMllm(name, provider => Load(provider, name));
    }

    /// <summary>Registers one of several models under a key, its options from the configuration.</summary>
    /// <param name="services">The collection.</param>
    /// <param name="name">The key, and the name of the options.</param>
    /// <param name="section">The section with the names of the options as keys.</param>
    public static ChatClientBuilder AddKeyedTinyMllm(this IServiceCollection services, string name, IConfiguration section)
    {
        ArgumentNullException.ThrowIfNull(section);
        services.AddOptions<ModelOptions>(name).Bind(section);
        return services.AddKeyedTinyMllm(name);
    }

    /// <summary>Registers one of several models, loaded by a function, under a key.</summary>
    /// <param name="services">The collection.</param>
    /// <param name="serviceKey">The key.</param>
    /// <param name="load">Loads the model; called once.</param>
    public static ChatClientBuilder AddKeyedTinyMllm(
        this IServiceCollection services, object serviceKey, Func<IServiceProvider, VisionLanguageModel> load)
    {
        ArgumentNullException.ThrowIfNull(services);
        ArgumentNullException.ThrowIfNull(serviceKey);
        ArgumentNullException.ThrowIfNull(load);
        services.AddKeyedSingleton(serviceKey, (provider, _) => load(provider));
        services.AddKeyedSingleton(serviceKey,
            (provider, key) => provider.GetRequiredKeyedService<VisionLanguageModel>(key).AsImageEmbeddingGenerator());
        return services.AddKeyedChatClient(serviceKey,
            provider => provider.GetRequiredKeyedService<VisionLanguageModel>(serviceKey).AsChatClient());
    }

    /// <summary>
    /// Loads the model and warms it up while the host starts, before it takes requests (<see cref="VisionLanguageModel.WarmUpAsync"/>).
    /// A model that cannot be loaded keeps the host from starting.
    /// </summary>
    /// <param name="services">The collection.</param>
    /// <param name="serviceKey">Key of the model; null for the one without.</param>
    public static IServiceCollection AddTinyMllmWarmUp(this IServiceCollection services, object? serviceKey = null)
    {
        ArgumentNullException.ThrowIfNull(services);
        return services.AddSingleton<IHostedService>(provider => new ModelWarmUp(provider, serviceKey));
    }

    private static VisionLanguageModel Load(IServiceProvider provider, string name) => VisionLanguageModel.Load(
        provider.GetRequiredService<IOptionsMonitor<ModelOptions>>().Get(name), loggerFactory: provider.GetService<ILoggerFactory>());
}
