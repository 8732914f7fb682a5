using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using TinyMllm.Generation;

namespace TinyMllm.ExtensionsAI;

/// <summary>Loads a model and warms it up while the host starts.</summary>
/// <param name="provider">Has the model.</param>
/// <param name="serviceKey">Its key; null for the one without.</param>
internal sealed class ModelWarmUp(IServiceProvider provider, object? serviceKey) : IHostedService
{
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        VisionLanguageModel model = await Worker.RunAsync(
            () => serviceKey is null
                ? provider.GetRequiredService<VisionLanguageModel>()
                : provider.GetRequiredKeyedService<VisionLanguageModel>(serviceKey),
            cancellationToken).ConfigureAwait(false);
        await model.WarmUpAsync(cancellationToken).ConfigureAwait(false);
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
