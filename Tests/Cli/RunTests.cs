using System.IO.Compression;
using System.Text.Json;
using TinyMllm.Cli.Support;
using TinyMllm.Kernels.Quantization;
using TinyMllm.Loaders.Gguf;
using TinyMllm.Tests.Support;

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
        Assert.That(lines, Is.SupersetOf(DemoFiles.Card.Select(row => $"{row.Question} {row.Answer}")));
        Assert.That(result.Error, Does.Contain("time to the first token").And.Contain("tokens/s"));
    }

    [Test]
    public async Task AnswersGoToStandardOutAndTimingsToStandardError()
    {
        Tool.Result result = await Tool.RunAsync(
            "run", "-m", Tool.DemoModel, "--mmproj", Tool.DemoProjector, "--image", Tool.Sample("penguin.png"), "-p", "What do you see?",
                "-t", "1");
        Assert.That(result.ExitCode, Is.Zero, result.Error);
        Assert.That(result.Out, Is.EqualTo("a penguin on a red background.\n"));
        Assert.That(result.Error, Does.Contain("first token after"));
    }

    [Test]
    public async Task TokensStopStringsAndRawPrompts()
    {
        string[] basic = ["run", "-m", "demo", "--image", Tool.Sample("pizza.png")];
        Assert.That((await Tool.RunAsync([.. basic, "-p", "What do you see?", "-n", "2"])).Out, Is.EqualTo("a pizza\n"));
        Assert.That((await Tool.RunAsync([.. basic, "-p", "What do you see?", "--stop", " green"])).Out, Is.EqualTo("a pizza on a\n"));
        Tool.Result raw = await Tool.RunAsync(
            [.. basic, "--raw", "-p", "<|im_start|>User: <__media__>What do you see?<end_of_utterance>\nAssistant:"]);
        Assert.That(raw.Out, Is.EqualTo(" a pizza on a green background.\n"));
    }

    /// <summary>Weights that nobody trained say nothing, but they are listed, run and timed like any others.</summary>
    [TestCase(TensorType.NVFP4)]
    [TestCase(TensorType.IQ1_S)]
    [TestCase(TensorType.IQ2_XS)]
    [TestCase(TensorType.IQ3_XXS)]
    [TestCase(TensorType.TQ1_0)]
    public async Task WeightsOfAnyTypeRun(TensorType type)
    {
        using var demo = GgufFile.Open(Tool.DemoModel);
        using var model = new RetypedModel(demo, type);
        Assert.That(model.Count, Is.Positive, "some rows are whole blocks");
        Tool.Result inspected = await Tool.RunAsync("inspect", model.Stored);
        Assert.That(inspected.ExitCode, Is.Zero, inspected.Error);
        Assert.That(inspected.Out, Does.Contain(type.ToString()));
        Tool.Result run = await Tool.RunAsync("run", "-m", model.Stored, "-p", "What do you see?", "-n", "3", "-t", "1");
        Assert.That(run.ExitCode, Is.Zero, run.Error);
        Tool.Result bench = await Tool.RunAsync("bench", "-m", model.Stored, "-p", "8", "-n", "2", "-r", "1", "-t", "1", "--json");
        Assert.That(bench.ExitCode, Is.Zero, bench.Error);
        using var rows = JsonDocument.Parse(bench.Out);
        Assert.That(rows.RootElement.GetArrayLength(), Is.EqualTo(2));
        Assert.That(rows.RootElement[0].GetProperty("share_of_peak").GetDouble(), Is.Positive);
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
    [TestCase("--weights", "Q8_1")]
    public async Task BadOptionsAreOneLine(string option, string value)
    {
        Tool.Result result = await Tool.RunAsync("run", "-m", "demo", "-p", "x", option, value);
        Assert.That(result.ExitCode, Is.EqualTo(2), result.Error);
        Assert.That(result.ErrorLines, Has.Length.EqualTo(1));
    }

    [Test]
    public async Task ATypeWithoutAKernelIsNotMeasuredAsAnother()
    {
        Tool.Result result = await Tool.RunAsync("bench", "--mmproj", Tool.DemoProjector, "--vision-type", "q8_1");
        Assert.That((result.ExitCode, result.ErrorLines.Length), Is.EqualTo((2, 1)));
        Assert.That(result.Error, Does.Contain("q8_1"));
    }

    [Test]
    public async Task APictureWithoutEncoderTooLongAPromptAndASwappedPairAreRefused()
    {
        string[][] commands = [["run", "-p", "x", "--image"], ["chat", "--image"], ["dump", "-p", "x", "-o", "none", "--image"]];
        foreach (string[] command in commands)
        {
            Tool.Result blind = await Tool.RunAsync([.. command, Tool.Sample("pizza.png"), "-m", Tool.DemoModel]);
            Assert.That((blind.ExitCode, blind.ErrorLines.Length), Is.EqualTo((2, 1)), "before anything is loaded");
            Assert.That(blind.Error, Does.Contain("mmproj"));
        }

        Tool.Result tooLong = await Tool.RunAsync("run", "-m", Tool.DemoModel, "-c", "64", "-p", new string('x', 500));
        Assert.That(tooLong.ExitCode, Is.EqualTo(2));
        Assert.That(tooLong.ErrorLines[^1], Does.Contain("context holds 64 tokens"));

        Tool.Result swapped = await Tool.RunAsync("run", "-m", Tool.DemoProjector, "--mmproj", Tool.DemoModel, "-p", "x");
        Assert.That(swapped.ExitCode, Is.EqualTo(2));
        Assert.That(swapped.ErrorLines, Has.Length.EqualTo(1));
    }

    [Test]
    public async Task TheDemoLooksAtYourOwnPicture()
    {
        Tool.Result result = await Tool.RunAsync("demo", "--image", Tool.Sample("pizza.png"), "-p", "What is this?", "-p", "Is there a cat?");
        Assert.That(result.ExitCode, Is.Zero, result.Error);
        Assert.That(result.Out.Split('\n', StringSplitOptions.TrimEntries), Is.SupersetOf(new[] { "What is this? a pizza.", "Is there a cat? no." }));
        Assert.That((await Tool.RunAsync("demo", "--image", Tool.Sample("pizza.png"))).Out, Does.Contain("How many objects are there? one."));
        Assert.That((await Tool.RunAsync("demo", "-i", Tool.Sample("pizza.png"), "-p", "What is this?")).Out,
            Does.Contain("What is this? a pizza."));
        Assert.That((await Tool.RunAsync("demo", "--image", "/no/such.png")).ExitCode, Is.EqualTo(2));
        Assert.That((await Tool.RunAsync("demo", "-p", "What is this?")).ErrorLines.Single(), Does.Contain("--image"));
    }

    /// <summary>What the demo model is to reach, and a little below its card's figure over all.</summary>
    [Test]
    public async Task TheDemoModelKeepsItsCardsPromise()
    {
        Tool.Result result = await Tool.RunAsync("eval", "-m", "demo", "--set", "demo", "--json");
        Assert.That(result.ExitCode, Is.Zero, result.Error);
        using var json = JsonDocument.Parse(result.Out);
        var answers = json.RootElement.GetProperty("answers").EnumerateArray().Where(answer => answer.GetProperty("part").GetString() == "seen styles")
            .Select(answer => (Kind: answer.GetProperty("kind").GetString(), Right: answer.GetProperty("right").GetBoolean())).ToArray();
        Assert.That(answers, Has.Length.GreaterThanOrEqualTo(1000));
        double Share(Func<string?, bool> chosen) => answers.Where(answer => chosen(answer.Kind)).Average(answer => answer.Right ? 1.0 : 0.0);
        Assert.That(Share(_ => true), Is.GreaterThanOrEqualTo(0.96));
        Assert.That(Share(kind => kind == "yes/no"), Is.GreaterThanOrEqualTo(0.95));
        Assert.That(Share(kind => kind == "which color"), Is.GreaterThanOrEqualTo(0.95));
        Assert.That(Share(kind => kind == "how many"), Is.GreaterThanOrEqualTo(0.95));
    }

    [Test]
    public async Task EvalCountsRightAnswersPerKind()
    {
        string folder = Directory.CreateTempSubdirectory().FullName;
        try
        {
            File.Copy(Tool.Sample("pizza.png"), Path.Combine(folder, "p.png"));
            string set = Path.Combine(folder, "questions.jsonl"), archive = Path.Combine(folder, "..", Path.GetFileName(folder) + ".zip");
            File.WriteAllText(set, """
                {"image":"p.png","question":"What is this?","answer":["A pizza", "pizza"],"kind":"what"}
                {"image":"p.png","question":"What is this?","answer":"a car","kind":"wrong"}

                """);
            Tool.Result result = await Tool.RunAsync("eval", "-m", "demo", "--set", set);
            Assert.That(result.ExitCode, Is.Zero, result.Error);
            Assert.That(result.Out.Split('\n', StringSplitOptions.RemoveEmptyEntries)[^1].Split(' ', StringSplitOptions.RemoveEmptyEntries),
                Is.EqualTo(new[] { "all", "1", "2", "0.500" }));
            Assert.That((await Tool.RunAsync("eval", "-m", "demo", "--set", set, "--at-least", "0.6")).ExitCode, Is.EqualTo(1));
            Assert.That((await Tool.RunAsync("eval", "-m", "demo", "--set", set, "--at-least", "6")).ExitCode, Is.EqualTo(2));

            ZipFile.CreateFromDirectory(folder, archive);
            Tool.Result zipped = await Tool.RunAsync("eval", "-m", "demo", "--set", archive, "--types", "file,q4_0", "--json");
            File.Delete(archive);
            using var json = JsonDocument.Parse(zipped.Out);
            Assert.That(json.RootElement.EnumerateArray().Select(run => (run.GetProperty("type").GetString(), run.GetProperty("right").GetInt32())),
                Is.EqualTo(new[] { ("file", 1), ("q4_0", 1) }));
            Assert.That((await Tool.RunAsync("eval", "-m", "demo", "--set", set, "--types", "q9")).ErrorLines.Single(), Does.Contain("'q9'"));

            File.WriteAllText(set, "{}");
            Assert.That((await Tool.RunAsync("eval", "-m", "demo", "--set", set)).ExitCode, Is.EqualTo(2));
            string broken = Path.Combine(folder, "broken.zip");
            File.WriteAllText(broken, "no archive");
            Assert.That((await Tool.RunAsync("eval", "-m", "demo", "--set", broken)).ErrorLines.Single(), Does.Contain("broken.zip"));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    /// <summary>Whatever is wrong with a file, one line says so and names it once.</summary>
    [TestCase("run", "-m", "demo", "-p", "x", "--image", "FILE.png")]
    [TestCase("run", "-m", "FILE.gguf", "-p", "x")]
    [TestCase("run", "-m", "demo", "--mmproj", "FILE.gguf", "-p", "x")]
    [TestCase("inspect", "FILE.gguf")]
    [TestCase("quantize", "FILE.gguf", "out.gguf", "q8_0")]
    [TestCase("bench", "-m", "FILE.gguf")]
    [TestCase("demo", "-i", "FILE.png")]
    [TestCase("describe", ".", "-m", "demo", "--mmproj", "FILE.gguf")]
    public async Task AnErrorNamesItsFileOnce(params string[] args)
    {
        string folder = Directory.CreateTempSubdirectory().FullName;
        try
        {
            string name = args.Single(argument => argument.StartsWith("FILE", StringComparison.Ordinal)), path = Path.Combine(folder, name);
            byte[] good = File.ReadAllBytes(name == "FILE.png" ? Tool.Sample("pizza.png") : Tool.DemoModel);
            File.Copy(Tool.Sample("pizza.png"), Path.Combine(folder, "pizza.png"));
            foreach (byte[] content in new[] { [], "junk junk junk junk junk"u8.ToArray(), good[..1000] })
            {
                File.WriteAllBytes(path, content);
                Tool.Result result = await Tool.RunAsync(
                    [.. args.Select(argument => argument == name ? path : argument == "." ? folder : argument)]);
                string error = result.ErrorLines[^1];
                Assert.That((result.ExitCode, error.Split(name).Length - 1), Is.EqualTo((2, 1)), error);
                Assert.That(error, Does.StartWith("error: "));
            }
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
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
