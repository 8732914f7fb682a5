using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using TinyMllm.Cli.Support;
using TinyMllm.Tests.Support;

namespace TinyMllm.Tests.Cli;

/// <summary>What <c>describe</c> finds in a folder, and what becomes of its log.</summary>
[TestFixture]
public sealed class DescribeTests
{
    private string _folder = "";

    private string Log => In("log.jsonl");

    [SetUp]
    public void CreateFolder()
    {
        _folder = Directory.CreateTempSubdirectory("tinymllm-describe-").FullName;
        Directory.CreateDirectory(In("pictures"));
    }

    [TearDown]
    public void RemoveFolder() => Directory.Delete(_folder, recursive: true);

    [TestCase("notes without a line break")]
    [TestCase("notes\n")]
    [TestCase("{\"file\": \"x.png\", \"caption\": \"of another program\"}")]
    [TestCase("{\"caption\":\"of another program")]
    [TestCase("{")]
    [TestCase("{\"file\":\"a.png\",\"prompt\":\"\",\"answer\":\"\"}\nnotes")]
    [TestCase("{\"file\":null,\"prompt\":\"\",\"answer\":\"\"}\n")]
    public async Task AFileThatIsNotALogIsLeftAlone(string content)
    {
        AddPictures("pizza");
        File.WriteAllText(Log, content);
        Tool.Result result = await DescribeAsync();
        Assert.That(result.ExitCode, Is.EqualTo(ExitCodes.BadInput));
        Assert.That(result.ErrorLines.Single(), Does.StartWith($"error: {Log}, line ").And.Contain("not from this command"));
        Assert.That(File.ReadAllText(Log), Is.EqualTo(content));
    }

    [TestCase(0, Description = "nothing of the line")]
    [TestCase(4, Description = "less than the beginning of every line")]
    [TestCase(30)]
    [TestCase(int.MaxValue, Description = "all but the line break")]
    public async Task ALineThatWasCutOffIsDoneAgainAndNoOther(int kept)
    {
        AddPictures("penguin", "pizza");
        Assert.That((await DescribeAsync()).ExitCode, Is.Zero);
        string[] lines = File.ReadAllLines(Log);
        File.WriteAllText(Log, lines[0] + "\n" + lines[1][..Math.Min(kept, lines[1].Length)]);
        Tool.Result again = await DescribeAsync();
        Assert.That(again.ExitCode, Is.Zero, again.Error);
        Assert.That(again.Error, Does.Contain(kept == int.MaxValue ? "2 of 2 pictures have" : "1 of 2 pictures have"));
        Assert.That(File.ReadAllLines(Log).Select(line => Field(line, "answer")), Is.EqualTo(lines.Select(line => Field(line, "answer"))));
    }

    [Test]
    public async Task AnotherModelPromptOrOptionIsAnotherQuestion()
    {
        AddPictures("pizza");
        File.Copy(Tool.DemoModel, In("model.gguf"));
        File.WriteAllText(In("grammar.gbnf"), "root ::= [a-z .]+");
        string[][] runs =
        [
            [], ["-p", "What is this?"], ["-n", "2"], ["--temp", "0.5", "--seed", "1"], ["--system", "Be brief."],
            ["--no-tiles"], ["-m", In("model.gguf")],
            ["--grammar", "@" + In("grammar.gbnf")], ["--exact"],
        ];
        for (int i = 0; i < runs.Length; i++)
        {
            Tool.Result first = await DescribeAsync(runs[i]);
            Assert.That((first.ExitCode, File.ReadAllLines(Log).Length), Is.EqualTo((0, i + 1)), string.Join(' ', runs[i]) + first.Error);
        }

        const string Nothing = "1 of 1 pictures have their answers already";
        foreach (string[] run in runs) Assert.That((await DescribeAsync(run)).Error, Does.Contain(Nothing), string.Join(' ', run));
        string[] same = ["-n", "128", "-t", "1", "--kv-type", "F16", "-r"]; // The defaults, and what changes no answer.
        Assert.That((await DescribeAsync(same)).Error, Does.Contain(Nothing));
        string[] lines = File.ReadAllLines(Log);
        Assert.That(lines, Has.Length.EqualTo(runs.Length));
        Assert.That(lines.Select(line => Field(line, "key")).Distinct().Count(), Is.EqualTo(runs.Length));
        Assert.That(lines.Select(line => Field(line, "model")).Distinct(), Is.EquivalentTo(new[] { "demo-q8_0.gguf", "model.gguf" }));
        Assert.That(lines.Select(line => Field(line, "mmproj")).Distinct(), Is.EqualTo(new[] { "demo-mmproj-q8_0.gguf" }));
        Assert.That(Field(lines[2], "options"), Is.EqualTo("""{"tokens":"2"}"""));

        // The same names, but other weights or another grammar in the file.
        File.WriteAllText(In("grammar.gbnf"), "root ::= [a-z .A-Z]+");
        using (FileStream model = File.OpenWrite(In("model.gguf")))
        {
            model.Position = model.Length / 2;
            model.Write(new byte[1 << 17]);
        }

        foreach (string[] run in new[] { runs[6], runs[7] })
            Assert.That((await DescribeAsync(run)).Error, Does.Contain("1 described"), string.Join(' ', run));
    }

    [Test]
    public async Task LinesOfOlderVersionsStayAndAreAskedAgain()
    {
        AddPictures("pizza");
        File.WriteAllText(Log, """{"file":"pizza.png","prompt":"What do you see?","answer":"old","tokens":1,"seconds":1}""" + "\n");
        Assert.That((await DescribeAsync()).ExitCode, Is.Zero);
        Assert.That(File.ReadAllLines(Log).Select(line => Field(line, "answer")),
            Is.EqualTo(new[] { "old", "a pizza on a green background." }));
    }

    [Test]
    public async Task WhatLooksLikeAPictureIsTried()
    {
        foreach (string ending in new[] { "png", "PNG", "jpg", "jpe", "jfif", "dib" })
            File.Copy(Tool.Sample("pizza.png"), In($"pictures/p{ending}.{ending}"));
        foreach (string ending in new[] { "txt", "tiff", "heic" }) File.WriteAllText(In("pictures/x." + ending), "");
        Tool.Result result = await DescribeAsync("-n", "1");
        Assert.That((result.ExitCode, File.ReadAllLines(Log).Length), Is.EqualTo((0, 6)), result.Error);
        Assert.That(result.Error, Does.Contain("2 files are left out").And.Contain(".heic"));
    }

    [Test]
    public async Task ProgressNamesTheFileAndAnErrorNamesItOnce()
    {
        AddPictures("penguin", "pizza");
        Assert.That((await DescribeAsync()).ExitCode, Is.Zero);
        File.WriteAllText(In("pictures/broken.png"), "not a picture");
        Tool.Result result = await DescribeAsync();
        Assert.That(result.ExitCode, Is.EqualTo(ExitCodes.Partial));
        Assert.That(result.ErrorLines, Does.Contain("3/3 broken.png"));
        string error = result.ErrorLines.Single(line => line.StartsWith("error: ", StringComparison.Ordinal));
        Assert.That(Regex.Count(error, "broken.png"), Is.EqualTo(1), error);
        Assert.That(error, Does.Not.Contain(_folder));
        Assert.That(Field(File.ReadAllLines(Log)[2], "error"), Does.StartWith("not a picture"));
    }

    [Test]
    [Platform(Exclude = "Win")]
    public async Task EachFolderIsVisitedOnce()
    {
        AddPictures("penguin");
        Directory.CreateDirectory(In("pictures/below/deeper"));
        Directory.CreateDirectory(In("elsewhere/inner"));
        File.Copy(Tool.Sample("pizza.png"), In("pictures/below/pizza.png"));
        File.Copy(Tool.Sample("cat_and_car.png"), In("elsewhere/inner/cat.png"));
        (string Link, string Target)[] links =
        [
            ("pictures/a-loop", "."), ("pictures/below/up", ".."), ("pictures/below/deeper/top", In("pictures")),
            ("pictures/again", "below"),
            ("pictures/outside", "../elsewhere"), ("pictures/inner", "../elsewhere/inner"), ("pictures/circle", "circle"),
        ];
        foreach ((string link, string target) in links) Directory.CreateSymbolicLink(In(link), target);
        Tool.Result result = await DescribeAsync("-r", "-n", "1");
        Assert.That(result.ExitCode, Is.Zero, result.Error);
        Assert.That(File.ReadAllLines(Log).Select(line => Field(line, "file")),
            Is.EqualTo(new[] { "below/pizza.png", "inner/cat.png", "penguin.png" }));
    }

    [Test]
    [Platform(Exclude = "Win")]
    public void APipeAmongThePicturesIsAnErrorAndNoWait()
    {
        AddPictures("pizza");
        Shell.Run($"mkfifo '{In("pictures/x.png")}' && ln -s x.png '{In("pictures/y.png")}' && ln -s nowhere.png '{In("pictures/z.png")}'");
        var result = Tool.Script("tool describe pictures -m demo -n 1 -o log.jsonl", _folder);
        Assert.That(result.ExitCode, Is.EqualTo(ExitCodes.Partial), result.Error);
        foreach (string name in new[] { "x.png", "y.png" }) Assert.That(result.Error, Does.Contain($"error: {name}: it is a pipe"));
        Assert.That(result.Error, Does.Contain("1 described, 3 failed"));
    }

    /// <summary>The reader takes one line; whoever writes notices with the second, or at the latest when the pipe is full.</summary>
    [Test]
    [Platform(Exclude = "Win")]
    public void AReaderThatLeavesEndsTheRun()
    {
        for (int i = 0; i < 40; i++) File.Copy(Tool.Sample("pizza.png"), In($"pictures/{i}.png"));
        var result = Tool.Script("{ tool describe pictures -m demo -n 1; echo $? > code; } 2> notes | head -n 1", _folder);
        Assert.That(result.OutLines, Has.Length.EqualTo(1));
        Assert.That(File.ReadAllText(In("code")), Is.EqualTo($"{ExitCodes.OutputClosed}\n"));
        string notes = File.ReadAllText(In("notes"));
        Assert.That(Regex.Count(notes, @"^\d+/40 ", RegexOptions.Multiline), Is.LessThan(40), notes);
        Assert.That(notes, Does.Not.Contain("error"));
    }

    [Test]
    [Platform(Exclude = "Win")]
    public void OneProcessAtATimeWritesALog()
    {
        AddPictures("pizza");
        using (AnswerLog.Open(Log, TextWriter.Null))
        {
            var second = Tool.Script("tool describe pictures -m demo -n 1 -o log.jsonl", _folder);
            Assert.That(second.ExitCode, Is.EqualTo(ExitCodes.BadInput));
            Assert.That(second.Error, Does.StartWith("error: another program is writing to log.jsonl"));
        }

        Assert.That(Tool.Script("tool describe pictures -m demo -n 1 -o log.jsonl", _folder).ExitCode, Is.Zero);
    }

    /// <summary>Whichever is first, or if one happens to follow the other: what a run says it has done is in the file.</summary>
    [Test]
    [Platform(Exclude = "Win")]
    public void TwoRunsOnOneFileLoseNothing()
    {
        foreach (string folder in new[] { "pictures", "more" })
        {
            Directory.CreateDirectory(In(folder));
            for (int i = 0; i < 20; i++) File.Copy(Tool.Sample("pizza.png"), In($"{folder}/{folder}{i}.png"));
        }

        Tool.Script("""
            tool describe pictures -m demo -n 1 -o log.jsonl 2> first &
            tool describe more -m demo -n 1 -o log.jsonl 2> second
            wait
            """, _folder);
        string notes = File.ReadAllText(In("first")) + File.ReadAllText(In("second"));
        int described = Regex.Matches(notes, @"^(\d+) described", RegexOptions.Multiline)
            .Sum(match => int.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture));
        Assert.That(described, Is.GreaterThanOrEqualTo(20), notes);
        Assert.That(File.ReadAllLines(Log).Select(line => Field(line, "file")).Distinct().Count(), Is.EqualTo(described), notes);
        Assert.That(described == 40 || notes.Contains("another program is writing", StringComparison.Ordinal), notes);
    }

    private Task<Tool.Result> DescribeAsync(params string[] more)
    {
        string[] model = more.Contains("-m") ? ["--mmproj", Tool.DemoProjector] : ["-m", "demo"];
        string[] prompt = more.Contains("-p") ? [] : ["-p", "What do you see?"];
        return Tool.RunAsync(["describe", In("pictures"), "-o", Log, .. model, .. prompt, .. more]);
    }

    private void AddPictures(params string[] names)
    {
        foreach (string name in names) File.Copy(Tool.Sample(name + ".png"), In($"pictures/{name}.png"));
    }

    private static string Field(string line, string name)
    {
        using var json = JsonDocument.Parse(line);
        JsonElement value = json.RootElement.GetProperty(name);
        return value.ValueKind == JsonValueKind.String ? value.GetString()! : value.GetRawText();
    }

    private string In(string name) => Path.Combine(_folder, name);
}
