using System.Text.Json;

namespace TinyMllm.Tests.Cli;

/// <summary>chat, describe and quantize with the demo model.</summary>
[TestFixture]
public sealed class ConversationTests
{
    private string _folder = "";

    [SetUp]
    public void SetUp() =>
        Directory.CreateDirectory(_folder = Path.Combine(Path.GetTempPath(), "tinymllm-cli-" + Guid.NewGuid().ToString("N")));

    [TearDown]
    public void TearDown() => Directory.Delete(_folder, recursive: true);

    [Test]
    public async Task AChatKeepsPictureAndConversation()
    {
        string input = $"/image {Tool.Sample("strawberry.png")}\nWhat do you see?\nWhat color is the background?\n/history\n/nonsense\n/image /no/such.png\n";
        Tool.Result result = await Tool.RunWithInputAsync(input, "chat", "-m", "demo");
        Assert.That(result.ExitCode, Is.Zero, result.Error);
        string[] lines = result.Out.Split('\n');
        Assert.That(lines[0], Is.EqualTo("a strawberry on a yellow background."));
        Assert.That(lines[1], Is.EqualTo("yellow."));
        Assert.That(result.Out, Does.Contain("User: [picture] What do you see?"));
        Assert.That(result.ErrorLines.Count(line => line.StartsWith("error: ", StringComparison.Ordinal)), Is.EqualTo(2));
        Assert.That(result.Error, Does.Contain("more were known"), "the second question is read on top of the first");
    }

    [Test]
    public async Task ABlockIsOneQuestionWhereverItComesFrom()
    {
        string input = $""""
            /image '{Tool.Sample("pizza.png")}' {Tool.Sample("penguin.png")}
            /clear
            {Tool.Sample("pizza.png")}
            """
            /image is no command here.

            What is this?
            """
            """What is this?"""
            /history
            """without
            end
            """";
        Tool.Result result = await Tool.RunWithInputAsync(input, "chat", "-m", "demo");
        Assert.That(result.ExitCode, Is.Zero, result.Error);
        Assert.That(result.Out, Does.Contain("User: [picture] /image is no command here.\n\nWhat is this?\nAssistant: "));
        Assert.That(result.Out, Does.Contain("User: What is this?\nAssistant: a pizza."));
        Assert.That(result.Error.Split("512 × 512 pixels"), Has.Length.EqualTo(4));
        Assert.That(result.Error, Does.Not.Contain("error"));
    }

    [Test]
    public async Task DescribeGoesOnWhereItWasInterrupted()
    {
        foreach (string name in new[] { "pizza.png", "penguin.png" }) File.Copy(Tool.Sample(name), Path.Combine(_folder, name));
        File.WriteAllText(Path.Combine(_folder, "broken.png"), "not a picture");
        string log = Path.Combine(_folder, "captions.jsonl");
        string[] args = ["describe", _folder, "-m", "demo", "-p", "What do you see?", "-o", log];

        Assert.That((await Tool.RunAsync(args)).ExitCode, Is.EqualTo(1), "one picture is broken");
        string[] lines = File.ReadAllLines(log);
        Assert.That(lines, Has.Length.EqualTo(3));
        Assert.That(Answer(lines[1]), Is.EqualTo("a penguin on a red background."));
        Assert.That(Answer(lines[2]), Is.EqualTo("a pizza on a green background."));

        Assert.That((await Tool.RunAsync(args)).ExitCode, Is.EqualTo(1), "it is still broken");
        Assert.That(File.ReadAllLines(log), Has.Length.EqualTo(3), "and the log says so already");

        // As if it had been killed while it wrote the last line.
        File.WriteAllText(log, lines[1] + "\n" + lines[2][..20]);
        File.Delete(Path.Combine(_folder, "broken.png"));
        Tool.Result again = await Tool.RunAsync(args);
        Assert.That(again.ExitCode, Is.Zero, again.Error);
        Assert.That(again.Error, Does.Contain("1 of 2 pictures have their answers already"));
        Assert.That(File.ReadAllLines(log).Select(Answer),
            Is.EqualTo(new[] { "a penguin on a red background.", "a pizza on a green background." }));
    }

    [Test]
    public async Task DescribeNeedsPicturesAndAnEncoder()
    {
        Assert.That((await Tool.RunAsync("describe", _folder, "-m", "demo")).ExitCode, Is.EqualTo(2));
        Assert.That((await Tool.RunAsync("describe", Path.Combine(_folder, "none"), "-m", "demo")).ExitCode, Is.EqualTo(2));
        File.Copy(Tool.Sample("pizza.png"), Path.Combine(_folder, "pizza.png"));
        Assert.That((await Tool.RunAsync("describe", _folder, "-m", Tool.DemoModel)).Error, Does.Contain("mmproj"));
    }

    [Test]
    public async Task AQuantisedModelAnswersToo()
    {
        string smaller = Path.Combine(_folder, "demo-q4_0.gguf");
        Tool.Result made = await Tool.RunAsync("quantize", Tool.DemoModel, smaller, "q4_0", "--allow-requantize");
        Assert.That(made.ExitCode, Is.Zero, made.Error);
        Assert.That(new FileInfo(smaller).Length, Is.LessThan(0.7 * new FileInfo(Tool.DemoModel).Length));
        Tool.Result run = await Tool.RunAsync("run", "-m", smaller, "--mmproj", Tool.DemoProjector, "--image", Tool.Sample("pizza.png"),
            "-p", "What do you see?");
        Assert.That(run.Out, Does.StartWith("a pizza"));
    }

    [Test]
    public async Task AQuestionCanComeFromAFile()
    {
        string question = Path.Combine(_folder, "question.txt");
        File.WriteAllText(question, "What do you see?");
        Tool.Result run = await Tool.RunAsync("run", "-m", "demo", "--image", Tool.Sample("pizza.png"), "-p", "@" + question);
        Assert.That(run.Out, Is.EqualTo("a pizza on a green background.\n"), run.Error);
    }

    [TestCase("Q99")]
    [TestCase("Q4_0")]
    public async Task WhatCannotBeQuantisedIsOneLine(string type)
    {
        Tool.Result result = await Tool.RunAsync("quantize", Tool.DemoModel, Path.Combine(_folder, "out.gguf"), type);
        Assert.That(result.ExitCode, Is.EqualTo(2));
        Assert.That(result.ErrorLines, Has.Length.EqualTo(1));
        Assert.That(Directory.GetFiles(_folder), Is.Empty);
    }

    private static string Answer(string line)
    {
        using var json = JsonDocument.Parse(line);
        return json.RootElement.GetProperty("answer").GetString()!;
    }
}
