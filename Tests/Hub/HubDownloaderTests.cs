using TinyMllm.Loaders.Files;
using TinyMllm.Loaders.Hub;

namespace TinyMllm.Tests.Hub;

[TestFixture]
public sealed class HubDownloaderTests
{
    private const string ModelName = "tiny-Q8_0.gguf";
    private const string ProjectorName = "mmproj-tiny-Q8_0.gguf";
    private static readonly HubReference Tiny = new("acme/tiny-GGUF");

    private readonly byte[] _model = Noise(700_000, 1);
    private readonly byte[] _projector = Noise(300_000, 2);
    private string _cache = "";
    private HubServer _server = null!;

    [SetUp]
    public void SetUp()
    {
        _cache = Path.Combine(Path.GetTempPath(), "tinymllm-test-" + Guid.NewGuid().ToString("N"));
        _server = new HubServer { Files = { [ModelName] = _model, [ProjectorName] = _projector } };
    }

    [TearDown]
    public async Task TearDown()
    {
        await _server.DisposeAsync();
        if (Directory.Exists(_cache)) Directory.Delete(_cache, recursive: true);
    }

    [Test]
    public async Task PullBringsModelAndProjector()
    {
        using HubDownloader hub = Downloader();
        HubModel pulled = await hub.PullAsync(Tiny);

        Assert.That(File.ReadAllBytes(pulled.ModelPath), Is.EqualTo(_model));
        Assert.That(File.ReadAllBytes(pulled.ProjectorPath!), Is.EqualTo(_projector));
        Assert.That(hub.Cache.List().Single().Files.Select(file => file.Name), Is.EquivalentTo(new[] { ModelName, ProjectorName }));
        Assert.That(Parts(), Is.Empty);
    }

    [Test]
    [Platform(Exclude = "Win")]
    public void WhatIsNoFileIsNotReplacedByADownload()
    {
        using HubDownloader hub = Downloader();
        string target = Path.Combine(_cache, "hub", "acme", "tiny-GGUF", "main", ProjectorName);
        Directory.CreateDirectory(Path.GetDirectoryName(target)!);
        File.CreateSymbolicLink(target, "/dev/null");
        Assert.That(() => hub.PullAsync(Tiny), Throws.TypeOf<HubException>()
            .With.Property(nameof(HubException.Error)).EqualTo(HubError.Storage).And.Message.Contains("a device"));
        Assert.That((FileKinds.Of("/dev/null"), new FileInfo(target).LinkTarget), Is.EqualTo((FileKind.Device, "/dev/null")));
    }

    /// <summary>As from several processes: the lock is on a file.</summary>
    [Test]
    public void DownloadsThatEndAtOnceAreAllInTheIndex()
    {
        Directory.CreateDirectory(_cache);
        Parallel.For(0, 40, new ParallelOptions { MaxDegreeOfParallelism = 8 }, i =>
        {
            File.WriteAllText(Path.Combine(_cache, $"{i}.gguf"), "x");
            HubCache.Register(_cache, new HubFile($"{i}.gguf", 1, null));
        });
        Assert.That(Enumerable.Range(0, 40).Where(i => !HubCache.Holds(_cache, new HubFile($"{i}.gguf", 1, null))), Is.Empty);
    }

    [Test]
    public async Task DroppedConnectionsGoOnWhereTheyStopped()
    {
        (_server.BreakAfter, _server.BreaksLeft) = (150_000, 6);
        using HubDownloader hub = Downloader();
        HubModel pulled = await hub.PullAsync(Tiny);

        Assert.That(File.ReadAllBytes(pulled.ModelPath), Is.EqualTo(_model));
        long[] starts = [.. _server.Requests.Where(request => request.Path.EndsWith("/" + ModelName, StringComparison.Ordinal))
            .Select(request => request.From ?? 0)];
        Assert.That(starts, Is.EqualTo(new long[] { 0, 150_000, 300_000, 450_000, 600_000 }));
    }

    [Test]
    public async Task AServerThatIgnoresRangesLosesNothing()
    {
        (_server.BreakAfter, _server.BreaksLeft, _server.IgnoreRange) = (200_000, 1, true);
        using HubDownloader hub = Downloader();
        HubModel pulled = await hub.PullAsync(Tiny);

        Assert.That(File.ReadAllBytes(pulled.ModelPath), Is.EqualTo(_model));
        Assert.That(File.ReadAllBytes(pulled.ProjectorPath!), Is.EqualTo(_projector));
    }

    [Test]
    public async Task AKilledDownloadIsResumedByTheNextProcess()
    {
        (_server.BreakAfter, _server.BreaksLeft) = (100_000, int.MaxValue);
        using (HubDownloader first = Downloader(attempts: 1))
        {
                Assert.That(() => first.PullAsync(Tiny),
                    Throws.TypeOf<HubException>().With.Property(nameof(HubException.Error)).EqualTo(HubError.Unreachable));
        }

        string part = Parts().Single();
        Assert.That(new FileInfo(part).Length, Is.EqualTo(100_000));

        (_server.BreaksLeft, _server.BreakAfter) = (0, int.MaxValue);
        using HubDownloader second = Downloader();
        HubModel pulled = await second.PullAsync(Tiny);
        Assert.That(File.ReadAllBytes(pulled.ProjectorPath!), Is.EqualTo(_projector));
        Assert.That(_server.Requests.Last(request => request.Path.EndsWith("/" + ProjectorName, StringComparison.Ordinal)).From,
            Is.EqualTo(100_000));
    }

    [Test]
    public async Task ADamagedPartIsFetchedAfresh()
    {
        (_server.BreakAfter, _server.BreaksLeft) = (100_000, int.MaxValue);
        using (HubDownloader first = Downloader(attempts: 1)) Assert.That(() => first.PullAsync(Tiny), Throws.TypeOf<HubException>());
        File.WriteAllBytes(Parts().Single(), new byte[123]);

        _server.BreaksLeft = 0;
        using HubDownloader second = Downloader();
        HubModel pulled = await second.PullAsync(Tiny);
        Assert.That(File.ReadAllBytes(pulled.ProjectorPath!), Is.EqualTo(_projector));
    }

    [Test]
    public void AWrongHashIsAnErrorAndLeavesNoFile()
    {
        _server.WrongHashes[ModelName] = new string('0', 64);
        using HubDownloader hub = Downloader();
        Assert.That(() => hub.PullAsync(Tiny), Throws.TypeOf<HubException>()
            .With.Property(nameof(HubException.Error)).EqualTo(HubError.Corrupt).And.Message.Contains(ModelName));
        Assert.That(hub.FindCached(Tiny), Is.Null);
        Assert.That(Directory.EnumerateFiles(_cache, ModelName, SearchOption.AllDirectories), Is.Empty);
    }

    [Test]
    public async Task TheTokenGoesToTheHubAndNotToWhereItRedirects()
    {
        await using var other = new HubServer { Files = { [ModelName] = _model, [ProjectorName] = _projector } };
        _server.RequiredToken = "secret";
        _server.RedirectTo = other.Endpoint;
        using HubDownloader hub = Downloader(token: "secret");
        await hub.PullAsync(Tiny);

        Assert.That(_server.Requests.Select(request => request.Authorization), Is.All.EqualTo("Bearer secret"));
        Assert.That(other.Requests, Is.Not.Empty);
        Assert.That(other.Requests.Select(request => request.Authorization), Is.All.Null);
    }

    [Test]
    public void RefusalsSayWhatToDo()
    {
        _server.RequiredToken = "secret";
        using (HubDownloader hub = Downloader())
        {
            Assert.That(() => hub.PullAsync(Tiny), Throws.TypeOf<HubException>()
                .With.Property(nameof(HubException.Error)).EqualTo(HubError.AccessDenied).And.Message.Contains("HF_TOKEN"));
        }

        _server.RequiredToken = null;
        using HubDownloader open = Downloader();
        Assert.That(() => open.PullAsync(new HubReference("acme/other")),
            Throws.TypeOf<HubException>().With.Property(nameof(HubException.Error)).EqualTo(HubError.NotFound));
        Assert.That(() => open.PullAsync(Tiny with { Selector = "Q2_K" }), Throws.TypeOf<HubException>().With.Message.Contains(ModelName));
    }

    [Test]
    public async Task ABusyHubIsAskedAgain()
    {
        (_server.Status, _server.StatusLeft) = (503, 3);
        using HubDownloader hub = Downloader();
        Assert.That((await hub.PullAsync(Tiny)).ModelPath, Does.Exist);
    }

    [Test]
    public void AStalledConnectionCountsAsDropped()
    {
        _server.Stall = true;
        using var hub = new HubDownloader(Options(attempts: 2) with { StallTimeout = TimeSpan.FromMilliseconds(100) });
        Assert.That(() => hub.PullAsync(Tiny),
            Throws.TypeOf<HubException>().With.Property(nameof(HubException.Error)).EqualTo(HubError.Unreachable));
    }

    [Test]
    public async Task WhatIsCompleteNeedsNoNetwork()
    {
        using (HubDownloader hub = Downloader()) await hub.PullAsync(Tiny);
        int before = _server.Requests.Count;
        using var offline = new HubDownloader(Options() with { Offline = true });
        Assert.That((await offline.PullAsync(Tiny)).ProjectorPath, Does.Exist);
        Assert.That((await offline.GetAsync(Tiny with { Selector = "q8_0" })).ModelPath, Does.Exist);
        Assert.That(() => offline.PullAsync(new HubReference("acme/other")),
            Throws.TypeOf<HubException>().With.Property(nameof(HubException.Error)).EqualTo(HubError.Offline));
        Assert.That(_server.Requests, Has.Count.EqualTo(before));

        using (HubDownloader again = Downloader()) await again.PullAsync(Tiny);
        Assert.That(_server.Requests, Has.Count.EqualTo(before + 1), "only the list of files is asked for");
    }

    [Test]
    public async Task AnUnreachableHubServesFromTheCache()
    {
        using (HubDownloader hub = Downloader()) await hub.PullAsync(Tiny);
        await _server.DisposeAsync();
        using HubDownloader later = Downloader();
        Assert.That((await later.PullAsync(Tiny)).ModelPath, Does.Exist);
        _server = new HubServer();
    }

    [Test]
    public async Task CancellingKeepsWhatHasArrived()
    {
        (_server.BreakAfter, _server.BreaksLeft) = (50_000, int.MaxValue);
        using var cancel = new CancellationTokenSource();
        using var hub = new HubDownloader(Options(attempts: 50) with { RetryDelay = TimeSpan.FromMinutes(1) });
        var stopAtRetry = new Progress(progress => { if (progress.Stage == HubStage.Retrying) cancel.Cancel(); });
        Assert.That(() => hub.PullAsync(Tiny, stopAtRetry, cancel.Token), Throws.InstanceOf<OperationCanceledException>());
        Assert.That(new FileInfo(Parts().Single()).Length, Is.EqualTo(50_000));
        await Task.CompletedTask;
    }

    [Test]
    public async Task RemoveFreesTheRepository()
    {
        using HubDownloader hub = Downloader();
        await hub.PullAsync(Tiny);
        Assert.That(hub.Cache.Remove(Tiny with { Selector = ModelName }), Is.EqualTo(_model.Length));
        Assert.That(hub.FindCached(Tiny), Is.Null);
        Assert.That(hub.Cache.Remove(Tiny), Is.GreaterThanOrEqualTo(_projector.Length));
        Assert.That(hub.Cache.List(), Is.Empty);
    }

    [TestCase("../../etc/passwd")]
    [TestCase("/etc/passwd")]
    [TestCase("a/../b.gguf")]
    [TestCase("c:evil.gguf")]
    public void AListingThatLeavesItsFolderIsRefused(string path)
    {
        _server.Files[path] = [1];
        using HubDownloader hub = Downloader();
        Assert.That(() => hub.PullAsync(Tiny),
            Throws.TypeOf<HubException>().With.Property(nameof(HubException.Error)).EqualTo(HubError.Corrupt));
    }

    [TestCase("smolvlm:256m", "ggml-org/SmolVLM-256M-Instruct-GGUF", "Q8_0", "main")]
    [TestCase("SmolVLM", "ggml-org/SmolVLM-256M-Instruct-GGUF", "Q8_0", "main")]
    [TestCase("a/b", "a/b", null, "main")]
    [TestCase("a/b:x-Q4_0.gguf@v1.0", "a/b", "x-Q4_0.gguf", "v1.0")]
    public void ReferencesAreRead(string text, string repository, string? selector, string revision) =>
        Assert.That(HubReference.Parse(text), Is.EqualTo(new HubReference(repository, selector, revision)));

    [TestCase("nothing")]
    [TestCase("a/b/c")]
    [TestCase("../b")]
    [TestCase("a/b:../c.gguf")]
    [TestCase("a/b@..")]
    [TestCase("")]
    public void BadReferencesAreRefused(string text) =>
        Assert.That(() => HubReference.Parse(text),
            Throws.TypeOf<HubException>().With.Property(nameof(HubException.Error)).EqualTo(HubError.BadReference));

    [Test]
    public async Task SplitModelsComeWhole()
    {
        _server.Files.Remove(ModelName);
        _server.Files["big-Q4_K_M-00001-of-00002.gguf"] = Noise(1000, 3);
        _server.Files["big-Q4_K_M-00002-of-00002.gguf"] = Noise(1000, 4);
        using HubDownloader hub = Downloader();
        HubModel pulled = await hub.PullAsync(Tiny);
        Assert.That(pulled.ModelPath, Does.EndWith("-00001-of-00002.gguf"));
        Assert.That(pulled.ModelPath.Replace("00001-of", "00002-of"), Does.Exist);
    }

    private HubDownloader Downloader(int attempts = 4, string? token = null) => new(Options(attempts) with { Token = token });

    private HubOptions Options(int attempts = 4) => new()
    {
        Endpoint = _server.Endpoint, CacheFolder = _cache, Offline = false, Token = null, MaxAttempts = attempts, RetryDelay =
            TimeSpan.FromMilliseconds(1),
    };

    private string[] Parts() => Directory.Exists(_cache) ? Directory.GetFiles(_cache, "*.part", SearchOption.AllDirectories) : [];

    private static byte[] Noise(int length, int seed)
    {
        byte[] bytes = new byte[length];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }

    private sealed class Progress(Action<HubProgress> report) : IProgress<HubProgress>
    {
        public void Report(HubProgress value) => report(value);
    }
}
