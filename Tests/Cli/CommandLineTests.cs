using System.Text.Json;
using TinyMllm.Cli.Support;

namespace TinyMllm.Tests.Cli;

[TestFixture]
public sealed class CommandLineTests
{
    [TestCase("frobnicate")]
    [TestCase("pull")]
    [TestCase("pull", "not-a-model")]
    [TestCase("inspect", "/no/such/file.gguf")]
    [TestCase("completion", "tcsh")]
    public async Task BadInputIsOneLineAndExitCode2(params string[] args)
    {
        Tool.Result result = await Tool.RunAsync(args);
        Assert.That(result.ExitCode, Is.EqualTo(ExitCodes.BadInput));
        Assert.That(result.ErrorLines, Has.Length.EqualTo(1));
        Assert.That(result.Error, Does.StartWith("error: "));
        Assert.That(result.Out, Is.Empty);
    }

    [Test]
    public async Task VerboseShowsWhereItHappened()
    {
        Tool.Result result = await Tool.RunAsync("inspect", "/no/such/file.gguf", "--verbose");
        Assert.That(result.ExitCode, Is.EqualTo(ExitCodes.BadInput));
        Assert.That(result.Error, Does.Contain("   at "));
    }

    [Test]
    public async Task AFileThatIsNotGgufIsNamed()
    {
        Tool.Result result = await Tool.RunAsync("inspect", Tool.Sample("pizza.png"));
        Assert.That(result.ExitCode, Is.EqualTo(ExitCodes.BadInput));
        Assert.That(result.ErrorLines.Single(), Does.Contain("pizza.png"));
    }

    [Test]
    public async Task HelpShowsEveryCommandWithExamples()
    {
        Tool.Result all = await Tool.RunAsync("--help");
        Assert.That(all.ExitCode, Is.Zero);
        Assert.That(all.Out, Does.Contain("Exit codes:"));
        foreach (string command in new[] { "inspect", "pull", "list", "rm", "demo", "completion" })
        {
            Assert.That(all.Out, Does.Contain("\n  " + command));
            Tool.Result help = await Tool.RunAsync(command, "--help");
            Assert.That(help.Out, Does.Contain("Examples:\n  tinymllm").Or.Contain("Examples:\n  source"), command);
        }
    }

    [Test]
    public async Task InspectShowsMetadataAndTensors()
    {
        Tool.Result result = await Tool.RunAsync("inspect", Tool.DemoModel);
        Assert.That(result.ExitCode, Is.Zero);
        Assert.That(result.Out, Does.Contain("general.architecture").And.Contain("token_embd.weight").And.Contain("Q8_0"));
    }

    [Test]
    public async Task InspectPrintsJson()
    {
        Tool.Result result = await Tool.RunAsync("inspect", Tool.DemoProjector, "--json");
        using JsonDocument json = JsonDocument.Parse(result.Out);
        Assert.That(json.RootElement.GetProperty("metadata").GetProperty("clip.projector_type").GetProperty("value").GetString(),
            Is.EqualTo("idefics3"));
        JsonElement tensor =
            json.RootElement.GetProperty("tensors").EnumerateArray()
            .First(item => item.GetProperty("name").GetString() == "mm.model.fc.weight");
        Assert.That(tensor.GetProperty("type").GetString(), Is.EqualTo("Q8_0"));
        Assert.That(tensor.GetProperty("bytes").GetInt64(), Is.Positive);
    }

    [Test]
    public async Task CompletionKnowsShortNames()
    {
        Tool.Result result = await Tool.RunAsync("[suggest:15]", "tinymllm pull s");
        Assert.That(result.Out, Does.Contain("smolvlm:256m"));
    }
}
