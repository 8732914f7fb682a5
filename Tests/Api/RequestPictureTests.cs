using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;
using TinyMllm.Loaders.Images;
using TinyMllm.Loaders.Images.Png;
using TinyMllm.Tests.Images;
using TinyMllm.Tests.Support;

namespace TinyMllm.Tests.Api;

/// <summary>How pictures in a chat client's requests are decoded: as the model's options say, away from the caller, and to be stopped.</summary>
[TestFixture]
public sealed class RequestPictureTests
{
    private static string Line(string name) => Path.Combine(Golden.Root, "Tests", "Fixtures", "transparency", name);

    [Test]
    public async Task ThePictureIsDecodedOnAnotherThreadAndCanBeCancelled()
    {
        using var decoder = new Watched();
        using VisionLanguageModel model = Demo.Load(new ModelOptions { Threads = 1, Images = new ImageOptions { Decoder = decoder } });
        using IChatClient client = model.AsChatClient();
        using var stop = new CancellationTokenSource();
        int caller = Environment.CurrentManagedThreadId;

        IAsyncEnumerator<ChatResponseUpdate> answer = client.GetStreamingResponseAsync([Ask(new byte[1])], cancellationToken: stop.Token).GetAsyncEnumerator();
        ValueTask<bool> first = answer.MoveNextAsync();
        Assert.That(first.IsCompleted, Is.False, "the caller came back while the decoder is at work");
        decoder.Entered.Wait();
        Assert.That(decoder.Thread, Is.Not.EqualTo(caller));
        await stop.CancelAsync();
        Assert.That(async () => await first, Throws.InstanceOf<OperationCanceledException>());
        await answer.DisposeAsync();

        IEmbeddingGenerator<DataContent, Embedding<float>> generator = model.AsImageEmbeddingGenerator();
        using var stopAgain = new CancellationTokenSource();
        decoder.Entered.Reset();
        Task<GeneratedEmbeddings<Embedding<float>>> embedding =
            generator.GenerateAsync([new DataContent(new byte[1], "image/png")], cancellationToken: stopAgain.Token);
        decoder.Entered.Wait();
        await stopAgain.CancelAsync();
        Assert.That(async () => await embedding, Throws.InstanceOf<OperationCanceledException>());
    }

    [Test]
    public async Task TheModelsLimitsHoldForEveryWayIn()
    {
        var options = new ModelOptions { Threads = 1, Images = new ImageOptions { MaxPixels = 1000 } };
        var services = new ServiceCollection();
        services.AddTinyMllm(Demo.ModelPath, Demo.ProjectorPath, options);
        await using ServiceProvider provider = services.BuildServiceProvider();
        byte[] file = File.ReadAllBytes(Demo.Sample("pizza"));

        Assert.That(async () => await provider.GetRequiredService<IChatClient>().GetResponseAsync([Ask(file)]), Throws.TypeOf<ImageFormatException>());
        Assert.That(
            async () => await provider.GetRequiredService<IEmbeddingGenerator<DataContent, Embedding<float>>>().GenerateAsync([new DataContent(file, "image/png")]),
            Throws.TypeOf<ImageFormatException>());
        Assert.That(provider.GetRequiredService<VisionLanguageModel>().ImageOptions, Is.SameAs(options.Images));
    }

    /// <summary>25 megapixels in 3 KB: more than is kept for the next request, so it goes with this one, whatever its end.</summary>
    [Test]
    public async Task TheMemoryOfLargePicturesIsGivenBackWithTheRequest()
    {
        byte[] file = PngWriter.Flat(5000, 5000, 1, PngColourType.Greyscale);
        long before = PictureMemory.BytesInUse;
        using VisionLanguageModel model = Demo.Load(new ModelOptions { Threads = 1 });
        using IChatClient client = model.AsChatClient();

        Assert.That((await client.GetResponseAsync([Ask(file), Ask(file)])).Text, Is.Not.Empty);
        Assert.That(PictureMemory.BytesInUse, Is.EqualTo(before));

        await foreach (ChatResponseUpdate _ in client.GetStreamingResponseAsync([Ask(file)]))
        {
            Assert.That(PictureMemory.BytesInUse, Is.EqualTo(before + 75_000_000));
            break;
        }

        Assert.That(PictureMemory.BytesInUse, Is.EqualTo(before), "a reader that leaves");
        Assert.That(async () => await client.GetResponseAsync([Ask(file), Ask(new byte[3])]), Throws.TypeOf<ImageFormatException>());
        Assert.That(PictureMemory.BytesInUse, Is.EqualTo(before), "a request that fails");
        await model.AsImageEmbeddingGenerator().GenerateAsync([new DataContent(file, "image/png")]);
        Assert.That(PictureMemory.BytesInUse, Is.EqualTo(before), "an embedding");
    }

    [Test]
    public void LimitsThatMakeNoSenseAreRefusedAtLoad() =>
        Assert.Throws<ArgumentOutOfRangeException>(() => Demo.Load(new ModelOptions { Images = new ImageOptions { MaxPixels = -1 } }));

    [Test]
    public void TheBackgroundIsWhiteUnlessLlamaCppIsFollowed()
    {
        using VisionLanguageModel original = Demo.Load(new ModelOptions { Threads = 1 });
        using VisionLanguageModel llamaCpp = Demo.Load(new ModelOptions { Threads = 1, Compatibility = Compatibility.LlamaCpp });
        Assert.That(original.ImageOptions, Is.EqualTo(new ImageOptions { Background = RgbColor.White, ApplyOrientation = true }));
        Assert.That(llamaCpp.ImageOptions, Is.EqualTo(new ImageOptions { Background = null, ApplyOrientation = false }));
    }

    [Test]
    public async Task ATransparentPictureIsAnsweredAsItsWhiteTwin()
    {
        using VisionLanguageModel model = Demo.Load(new ModelOptions { Threads = 1 });
        using IChatClient client = model.AsChatClient();
        string onWhite = await Answer("line_white.png"), transparent = await Answer("line_alpha.png");
        Assert.That(transparent, Is.EqualTo(onWhite));
        Assert.That(
            (await model.EmbedAsync(RgbImage.Load(Line("line_alpha.png")))).Pool(), Is.EqualTo((await model.EmbedAsync(RgbImage.Load(Line("line_white.png")))).Pool()));
        Assert.That(
            (await model.EmbedAsync(RgbImage.Load(Line("line_alpha.png"), ImageOptions.AsStored))).Pool(),
            Is.Not.EqualTo((await model.EmbedAsync(RgbImage.Load(Line("line_white.png")))).Pool()));

        async Task<string> Answer(string name) => (await client.GetResponseAsync([Ask(File.ReadAllBytes(Line(name)))])).Text;
    }

    private static ChatMessage Ask(byte[] file) => new(ChatRole.User, [new DataContent(file, "image/png"), new TextContent("What do you see?")]);

    /// <summary>Says that it was called, and waits until it is cancelled.</summary>
    private sealed class Watched : IImageDecoder, IDisposable
    {
        public ManualResetEventSlim Entered { get; } = new();

        public int Thread { get; private set; }

        public RgbImage Decode(ReadOnlySpan<byte> file, ImageOptions options, CancellationToken cancellationToken = default)
        {
            Thread = Environment.CurrentManagedThreadId;
            Entered.Set();
            cancellationToken.WaitHandle.WaitOne();
            cancellationToken.ThrowIfCancellationRequested();
            return RgbImage.FromRgb(new byte[3], 1, 1);
        }

        public void Dispose() => Entered.Dispose();
    }
}
