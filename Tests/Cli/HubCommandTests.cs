using TinyMllm.Tests.Hub;

namespace TinyMllm.Tests.Cli;

/// <summary>pull, list and rm against a local hub that drops connections; what was pulled runs without a network.</summary>
[TestFixture]
[NonParallelizable]
public sealed class HubCommandTests
{
    private static readonly string[] Variables = ["HF_ENDPOINT", "TINYMLLM_CACHE", "HF_HUB_OFFLINE"];

    private readonly Dictionary<string, string?> _before = [];
    private string _cache = "";

    [SetUp]
    public void SetUp()
    {
        foreach (string name in Variables) _before[name] = Environment.GetEnvironmentVariable(name);
        _cache = Path.Combine(Path.GetTempPath(), "tinymllm-hub-" + Guid.NewGuid().ToString("N"));
        Environment.SetEnvironmentVariable("TINYMLLM_CACHE", _cache);
        Environment.SetEnvironmentVariable("HF_HUB_OFFLINE", null);
    }

    [TearDown]
    public void TearDown()
    {
        foreach ((string name, string? value) in _before) Environment.SetEnvironmentVariable(name, value);
        if (Directory.Exists(_cache)) Directory.Delete(_cache, recursive: true);
    }

    [Test]
    public async Task WhatIsPulledIsListedRunsOfflineAndIsRemoved()
    {
        await using var server = new HubServer
        {
            Files = { ["demo-Q8_0.gguf"] = File.ReadAllBytes(Tool.DemoModel),
                ["mmproj-demo-Q8_0.gguf"] = File.ReadAllBytes(Tool.DemoProjector) },
            BreakAfter = 2_500_000, BreaksLeft = 1,
        };
        Environment.SetEnvironmentVariable("HF_ENDPOINT", server.Endpoint);
        Tool.Result pulled = await Tool.RunAsync("pull", server.Repository);
        Assert.That(pulled.ExitCode, Is.Zero, pulled.Error);
        Assert.That(pulled.Out.Split('\n', StringSplitOptions.RemoveEmptyEntries), Has.Length.EqualTo(2).And.All.Exist);
        Assert.That(pulled.Error, Does.Contain("trying again"));

        Environment.SetEnvironmentVariable("HF_HUB_OFFLINE", "1");
        Assert.That((await Tool.RunAsync("list")).Out, Does.Contain("mmproj-demo-Q8_0.gguf"));
        Tool.Result run = await Tool.RunAsync("run", "-m", server.Repository, "--image", Tool.Sample("pizza.png"), "-p", "What do you see?");
        Assert.That(run.Out, Is.EqualTo("a pizza on a green background.\n"));
        Assert.That((await Tool.RunAsync("rm", server.Repository)).ExitCode, Is.Zero);
        Tool.Result gone = await Tool.RunAsync("run", "-m", server.Repository, "-p", "x");
        Assert.That((gone.ExitCode, gone.ErrorLines.Length), Is.EqualTo((2, 1)));
    }
}
