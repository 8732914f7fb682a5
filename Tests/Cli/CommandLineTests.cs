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
    [TestCase("inspect", ".")]
    [TestCase("run", "-m", "demo", "-p", "@/no/such/file")]
    [TestCase("run", "-m", "demo", "-p", "x", "--image", "/no/such.png")]
    [TestCase("run", "-m", "demo", "-p", "x", "--temp", "nan")]
    [TestCase("run", "-m", "demo", "-p", "x", "-t", "-1")]
    [TestCase("run", "-m", "demo", "-p", "x", "-t", "5000")]
    [TestCase("run", "-m", "demo", "-p", "x", "--seed", "-4")]
    [TestCase("run", "-m", "demo", "-p", "x", "--max-image-tokens", "0")]
    [TestCase("run", "-m", ".", "-p", "x")]
    [TestCase("run", "-m", "demo", "-p", "x", "--json-schema", "{bad")]
    [TestCase("run", "-m", "demo", "-p", "x", "--json-schema", "{\"type\":\"nothing\"}")]
    [TestCase("run", "-m", "demo", "-p", "x", "--grammar", "root ::= missing")]
    [TestCase("run", "-m", "demo", "-p", "x", "--grammar", "root ::= \"x\"", "--json-schema", "{}")]
    [TestCase("chat", "-m", "demo", "--grammar", "root ::= (")]
    [TestCase("eval", "-m", "demo", "--set", "demo", "--json-schema", "{bad")]
    [TestCase("run", "-m", "demo", "--mmproj", "/no/such.gguf", "-p", "x")]
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
        foreach (string command in new[]
        {
            "run", "chat", "describe", "pull", "list", "rm", "inspect", "quantize", "bench", "eval", "dump", "demo", "completion",
        })
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
        using var json = JsonDocument.Parse(result.Out);
        Assert.That(json.RootElement.GetProperty("metadata").GetProperty("clip.projector_type").GetProperty("value").GetString(),
            Is.EqualTo("idefics3"));
        JsonElement tensor =
            json.RootElement.GetProperty("tensors").EnumerateArray()
            .First(item => item.GetProperty("name").GetString() == "mm.model.fc.weight");
        Assert.That(tensor.GetProperty("type").GetString(), Is.EqualTo("Q8_0"));
        Assert.That(tensor.GetProperty("bytes").GetInt64(), Is.Positive);
    }

    [TestCase("'rnu' is not a command; did you mean 'run'?", "rnu")]
    [TestCase("'--imgae' is not an option; did you mean '--image'?", "run", "--imgae", "x")]
    [TestCase("'smolvm:256m' is neither a file here nor a model's name; did you mean 'smolvlm:256m'?", "run", "-m", "smolvm:256m", "-p", "x")]
    [TestCase("'xyzzyplugh' is not a command (see", "xyzzyplugh")]
    [TestCase("'rnu' is not a command; did you mean 'run'? (see tinymllm --help)", "rnu", "-m", "demo")]
    [TestCase("'rnu' is not a command; did you mean 'run'? (see tinymllm --help)", "--verbose", "rnu", "-m", "demo", "--image", "x.png")]
    [TestCase("'chta' is not a command; did you mean 'chat'? (see tinymllm --help)", "chta", "run", "-p", "x")]
    [TestCase("'more' is one argument too many", "inspect", "a.gguf", "more")]
    public async Task AMistypedNameIsRecognised(string message, params string[] args)
    {
        Tool.Result result = await Tool.RunAsync(args);
        Assert.That(result.ExitCode, Is.EqualTo(ExitCodes.BadInput));
        Assert.That(result.ErrorLines.Single(), Does.StartWith("error: " + message));
    }

    [TestCase("tinymllm pull smol", "smolvlm:256m")]
    [TestCase("tinymllm pull smolvlm:2", "smolvlm:256m")]
    [TestCase("tinymllm run -m ", "smolvlm:256m")]
    [TestCase("tinymllm run -m d", "demo")]
    [TestCase("tinymllm ru", "run")]
    [TestCase("tinymllm run --im", "--image")]
    [TestCase("tinymllm quantize a b q4_k", "Q4_K_M")]
    public async Task WordsAreCompleted(string line, string expected)
    {
        Tool.Result result = await Tool.RunAsync($"[suggest:{line.Length}]", line.TrimEnd());
        string[] words = result.Out.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.That(words, Does.Contain(expected));
        Assert.That(words, Is.All.StartWith(line[(line.LastIndexOf(' ') + 1)..]).IgnoreCase);
    }

    [TestCase("tinymllm describe pi")]
    [TestCase("tinymllm inspect ")]
    [TestCase("tinymllm run --image ")]
    public async Task WhereAFileIsWantedTheShellMayOfferFiles(string line) =>
        Assert.That((await Tool.RunAsync($"[suggest:{line.Length}]", line)).Out, Is.Empty);
}
