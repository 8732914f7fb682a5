using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;

namespace TinyMllm.Tests.Api;

[TestFixture]
public sealed class ServiceCollectionTests
{
    [Test]
    public async Task AModelComesFromTheContainerAndGoesWithIt()
    {
        var services = new ServiceCollection();
        services.AddTinyMllm(Demo.ModelPath, Demo.ProjectorPath, new ModelOptions { Threads = 1 });
        services.AddKeyedTinyMllm("blind", _ => VisionLanguageModel.Load(Demo.ModelPath));
        VisionLanguageModel model;
        await using (ServiceProvider provider = services.BuildServiceProvider())
        {
            model = provider.GetRequiredService<VisionLanguageModel>();
            IChatClient client = provider.GetRequiredService<IChatClient>();
            Assert.That(client.GetService<VisionLanguageModel>(), Is.SameAs(model));
            Assert.That(provider.GetRequiredService<IEmbeddingGenerator<DataContent, Embedding<float>>>(), Is.Not.Null);
            VisionLanguageModel blind = provider.GetRequiredKeyedService<VisionLanguageModel>("blind");
            Assert.That(blind.SupportsImages, Is.False);
            Assert.That(provider.GetRequiredKeyedService<IChatClient>("blind").GetService<VisionLanguageModel>(), Is.SameAs(blind));
        }

        Assert.That(() => model.AnswerAsync("x"), Throws.TypeOf<ObjectDisposedException>());
    }
}
