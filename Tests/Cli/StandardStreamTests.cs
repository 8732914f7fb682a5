using TinyMllm.Cli.Support;

namespace TinyMllm.Tests.Cli;

/// <summary>The real program with descriptors that are closed, full, or pipes whose reader leaves.</summary>
[TestFixture]
[Platform("Linux")] // Only there is /dev/full, and only there a closed descriptor can be told from the runtime's own.
public sealed class StandardStreamTests
{
    private const string Ask = "tool run -m demo --image \"$DEMO/samples/pizza.png\" -p 'What do you see?'";
    private const string Answer = "a pizza on a green background.\n";

    private string _folder = "";

    [SetUp]
    public void CreateFolder() => _folder = Directory.CreateTempSubdirectory("tinymllm-streams-").FullName;

    [TearDown]
    public void RemoveFolder() => Directory.Delete(_folder, recursive: true);

    [TestCase("2>/dev/full")]
    [TestCase("2>&-")]
    [TestCase("<&- 2>&-")]
    public void AnAnswerNeedsNoStandardError(string streams)
    {
        var result = Tool.Script($"{Ask} {streams}", _folder);
        Assert.That((result.ExitCode, result.Out), Is.EqualTo((0, Answer)), result.Error);
    }

    [TestCase("2>/dev/full")]
    [TestCase("2>&-")]
    public void AnErrorThatCannotBeToldStillHasItsExitCode(string streams) =>
        Assert.That(Tool.Script($"tool run -m demo --image /no/such.png -p x {streams}", _folder).ExitCode, Is.EqualTo(ExitCodes.BadInput));

    [TestCase(">/dev/full", "standard output cannot be written: No space left on device")]
    [TestCase(">&-", "standard output is closed")]
    public void StandardOutputThatTakesNothingIsAnError(string streams, string message)
    {
        foreach (string command in new[] { Ask, "tool list --available", "tool inspect \"$DEMO/demo-q8_0.gguf\" --json", "tool --help" })
        {
            var result = Tool.Script($"{command} {streams}", _folder);
            Assert.That(result.ExitCode, Is.EqualTo(ExitCodes.BadInput), command);
            Assert.That(result.Error, Does.EndWith($"error: {message}\n"), command);
        }
    }

    [Test]
    public void WithoutAnyStreamTheWorkIsDone()
    {
        var result = Tool.Script("tool quantize \"$DEMO/demo-q8_0.gguf\" out.gguf q4_0 --allow-requantize <&- >&- 2>&-; echo $?", _folder);
        Assert.That(result.Out, Is.EqualTo($"{ExitCodes.BadInput}\n"), "the table has nowhere to go");
        Assert.That(File.Exists(Path.Combine(_folder, "out.gguf")), "but the file is there");
    }

    [TestCase("tool chat -m demo <&-", ExitCodes.Success)]
    [TestCase("tool run -m demo -p - <&-", ExitCodes.BadInput)]
    [TestCase("tool chat -m demo <&- 2>&-", ExitCodes.Success)]
    public void ClosedStandardInputIsAtItsEnd(string script, int code) =>
        Assert.That(Tool.Script(script, _folder).ExitCode, Is.EqualTo(code));

    [Test]
    public void OutputThatOthersWriteToAsWellIsNotOverwritten()
    {
        var result = Tool.Script($"(echo before; {Ask} 2>&1; echo after) > both.txt", _folder);
        string[] lines = File.ReadAllLines(Path.Combine(_folder, "both.txt"));
        Assert.That(result.ExitCode, Is.Zero);
        Assert.That((lines[0], lines[^1]), Is.EqualTo(("before", "after")));
        Assert.That(lines, Does.Contain(Answer.TrimEnd()));
    }

    [Test]
    public void ALargeOutputPassesAPipeWhole()
    {
        var result = Tool.Script("""
            tool inspect "$DEMO/demo-q8_0.gguf" --json > file.json && tool inspect "$DEMO/demo-q8_0.gguf" --json | cat > pipe.json
            """, _folder);
        Assert.That(result.ExitCode, Is.Zero, result.Error);
        string file = File.ReadAllText(Path.Combine(_folder, "file.json")), pipe = File.ReadAllText(Path.Combine(_folder, "pipe.json"));
        Assert.That(pipe, Is.EqualTo(file).And.Length.GreaterThan(20_000));
    }
}
