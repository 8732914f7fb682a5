using System.Text.Json;

namespace TinyMllm.Tests.Cli;

/// <summary>The demo model through the command line.</summary>
[TestFixture]
public sealed class RunTests
{
    [Test]
    public async Task WithoutArgumentsTheDemoAnswersItsCard()
    {
        Tool.Result result = await Tool.RunAsync();
        Assert.That(result.ExitCode, Is.Zero, result.Error);
        string[] lines = result.Out.Split('\n', StringSplitOptions.TrimEntries);
        Assert.That(lines, Is.SupersetOf(new[]
        {
            "What is this? a strawberry on a yellow background.",
            "What color is the background? yellow.",
            "What do you see? a car and a cat on a green background.",
            "How many objects are there? two.",
            "What is this? a pizza on a green background.",
            "What is this? a penguin on a red background.",
        }));
        Assert.That(result.Error, Does.Contain("time to the first token").And.Contain("tokens/s"));
    }

    [Test]
    public async Task AnswersGoToStandardOutAndTimingsToStandardError()
    {
        Tool.Result result = await Tool.RunAsync(
            "run", "-m", Tool.DemoModel, "--mmproj", Tool.DemoProjector, "--image", Tool.Sample("penguin.png"), "-p", "What is this?",
                "-t", "1");
        Assert.That(result.ExitCode, Is.Zero, result.Error);
        Assert.That(result.Out, Is.EqualTo("a penguin on a red background.\n"));
        Assert.That(result.Error, Does.Contain("first token after"));
    }

    [Test]
    public async Task TokensStopStringsAndRawPrompts()
    {
        string[] basic = ["run", "-m", "demo", "--image", Tool.Sample("pizza.png")];
        Assert.That((await Tool.RunAsync([.. basic, "-p", "What is this?", "-n", "2"])).Out, Is.EqualTo("a pizza\n"));
        Assert.That((await Tool.RunAsync([.. basic, "-p", "What is this?", "--stop", " green"])).Out, Is.EqualTo("a pizza on a\n"));
        Tool.Result raw = await Tool.RunAsync(
            [.. basic, "--raw", "-p", "<|im_start|>User: <__media__>What is this?<end_of_utterance>\nAssistant:"]);
        Assert.That(raw.Out, Is.EqualTo(" a pizza on a green background.\n"));
    }

    [Test]
    public async Task ASeedMakesSamplingRepeatable()
    {
        string[] args = ["run", "-m", "demo", "--image", Tool.Sample("pizza.png"), "-p", "What do you see?", "--temp", "1.5", "--top-p",
            "1", "--min-p", "0", "--seed", "5"];
        string first = (await Tool.RunAsync(args)).Out;
        Assert.That((await Tool.RunAsync(args)).Out, Is.EqualTo(first));
    }

    [TestCase("--image", "/no/such/picture.png")]
    [TestCase("-c", "-5")]
    [TestCase("--temp", "warm")]
    [TestCase("--kv-type", "q3")]
    [TestCase("--weights", "Q9_9")]
    public async Task BadOptionsAreOneLine(string option, string value)
    {
        Tool.Result result = await Tool.RunAsync("run", "-m", "demo", "-p", "x", option, value);
        Assert.That(result.ExitCode, Is.EqualTo(2), result.Error);
        Assert.That(result.ErrorLines, Has.Length.EqualTo(1));
    }

    [Test]
    public async Task APictureWithoutEncoderTooLongAPromptAndASwappedPairAreRefused()
    {
        Tool.Result blind = await Tool.RunAsync("run", "-m", Tool.DemoModel, "--image", Tool.Sample("pizza.png"), "-p", "What is this?");
        Assert.That((blind.ExitCode, blind.ErrorLines[^1]), Is.EqualTo((2, blind.ErrorLines[^1])));
        Assert.That(blind.Error, Does.Contain("mmproj"));

        Tool.Result tooLong = await Tool.RunAsync("run", "-m", Tool.DemoModel, "-c", "64", "-p", new string('x', 500));
        Assert.That(tooLong.ExitCode, Is.EqualTo(2));
        Assert.That(tooLong.ErrorLines[^1], Does.Contain("context holds 64 tokens"));

        Tool.Result swapped = await Tool.RunAsync("run", "-m", Tool.DemoProjector, "--mmproj", Tool.DemoModel, "-p", "x");
        Assert.That(swapped.ExitCode, Is.EqualTo(2));
        Assert.That(swapped.ErrorLines, Has.Length.EqualTo(1));
    }

    [Test]
    public async Task EvalCountsRightAnswersPerKind()
    {
        Tool.Result card = await Tool.RunAsync("eval", "-m", "demo", "--set", "demo");
        Assert.That(card.ExitCode, Is.Zero, card.Error);
        Assert.That(card.Out.Split('\n', StringSplitOptions.RemoveEmptyEntries)[^1].Split(' ', StringSplitOptions.RemoveEmptyEntries),
            Is.EqualTo(new[] { "all", "6", "6", "1.000" }));

        string set = Path.GetTempFileName();
        try
        {
            string picture = JsonEncodedText.Encode(Tool.Sample("pizza.png")).ToString();
            File.WriteAllText(set, $$"""{"image":"{{picture}}","question":"What is this?","answer":["A pizza on a green background"],"kind":"what"}""" + "\n"
                + $$"""{"image":"{{picture}}","question":"What is this?","answer":"a car","kind":"wrong"}""" + "\n");
            Tool.Result result = await Tool.RunAsync("eval", "-m", "demo", "--set", set, "--json");
            Assert.That(result.ExitCode, Is.EqualTo(1));
            using JsonDocument json = JsonDocument.Parse(result.Out);
            Assert.That(json.RootElement.GetProperty("right").GetInt32(), Is.EqualTo(1));
            File.WriteAllText(set, "{}");
            Assert.That((await Tool.RunAsync("eval", "-m", "demo", "--set", set)).ExitCode, Is.EqualTo(2));
        }
        finally
        {
            File.Delete(set);
        }
    }

    [Test]
    public async Task AMarkerWithoutAPictureIsRefused()
    {
        Tool.Result result = await Tool.RunAsync("run", "-m", "demo", "--raw", "-p", "<__media__>x");
        Assert.That(result.ExitCode, Is.EqualTo(2));
        Assert.That(result.ErrorLines[^1], Does.StartWith("error: "));
    }
}
