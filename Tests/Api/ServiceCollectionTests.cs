using Microsoft.Extensions.AI;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using TinyMllm.Engine;

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

    [Test]
    public async Task OptionsAndPathsComeFromTheConfigurationByName()
    {
        IConfiguration configuration = new ConfigurationBuilder().AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["Vision:ModelPath"] = Demo.ModelPath, ["Vision:ProjectorPath"] = Demo.ProjectorPath, ["Vision:Context"] = "128",
            ["Vision:KvType"] = "Q8_0", ["Text:ModelPath"] = Demo.ModelPath, ["Text:MaxImageTokens"] = "9",
        }).Build();
        var services = new ServiceCollection();
        services.AddTinyMllm(configuration.GetSection("Vision"));
        services.AddKeyedTinyMllm("text", configuration.GetSection("Text"));
        services.Configure<ModelOptions>(options => options.Threads = 1);
        services.Configure<ModelOptions>("text", options => options.Context = 64);
        await using ServiceProvider provider = services.BuildServiceProvider();
        ModelOptions vision = provider.GetRequiredService<IOptions<ModelOptions>>().Value;
        Assert.That((vision.Threads, vision.KvType, vision.Context), Is.EqualTo((1, KvType.Q8_0, 128)));
        Assert.That(provider.GetRequiredService<IOptionsMonitor<ModelOptions>>().Get("text").MaxImageTokens, Is.EqualTo(9));
        VisionLanguageModel seeing = provider.GetRequiredService<VisionLanguageModel>(), blind = provider.GetRequiredKeyedService<VisionLanguageModel>("text");
        Assert.That((seeing.Info.Context, seeing.SupportsImages, blind.Info.Context, blind.SupportsImages), Is.EqualTo((128, true, 64, false)));
        vision.Context = 1;
        Assert.That((await seeing.AnswerAsync("What do you see?", Demo.Picture("pizza"))).Text, Is.Not.Empty, "a loaded model keeps its options");
    }

    [Test]
    public async Task MiddlewareIsAddedToTheClient()
    {
        var services = new ServiceCollection();
        int requests = 0;
        services.AddTinyMllm(Demo.ModelPath).Use(async (messages, options, next, stop) =>
        {
            requests++;
            await next(messages, options, stop);
        });
        await using ServiceProvider provider = services.BuildServiceProvider();
        await provider.GetRequiredService<IChatClient>().GetResponseAsync("Hello", new ChatOptions { MaxOutputTokens = 1 });
        Assert.That(requests, Is.EqualTo(1));
    }

    [Test]
    public async Task AHostLoadsAndWarmsUpBeforeItIsReady()
    {
        int loads = 0;
        HostApplicationBuilder builder = Host.CreateApplicationBuilder();
        builder.Services.AddTinyMllm(_ =>
        {
            loads++;
            return Demo.Load();
        });
        builder.Services.AddKeyedTinyMllm("text", _ =>
        {
            loads++;
            return VisionLanguageModel.Load(Demo.ModelPath);
        });
        builder.Services.AddTinyMllmWarmUp().AddTinyMllmWarmUp("text");
        using IHost host = builder.Build();
        await host.StartAsync();
        Assert.That(loads, Is.EqualTo(2));
        await host.StopAsync();
    }

    [Test]
    public void AModelThatCannotBeLoadedKeepsTheHostFromStarting()
    {
        HostApplicationBuilder builder = Host.CreateApplicationBuilder();
        builder.Services.AddTinyMllm();
        builder.Services.AddTinyMllmWarmUp();
        using IHost host = builder.Build();
        Assert.That(() => host.StartAsync(), Throws.ArgumentException.With.Message.Contains("ModelPath"));
    }
}
