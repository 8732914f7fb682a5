using System.Text.RegularExpressions;
using TinyMllm.Cli.Support;
using TinyMllm.Tests.Support;

namespace TinyMllm.Tests.Cli;

/// <summary>What shows on a terminal, and what is typed there.</summary>
[TestFixture]
[Platform(Exclude = "Win")]
public sealed class TerminalTests
{
    private const string AnswerPattern = "Say something\\.\e[^\n]*\n([a-z ]+)";

    private const string Interrupt = "\x03", PasteBegins = "\e[200~", PasteEnds = "\e[201~";

    private string _folder = "";

    [SetUp]
    public void CreateFolder() => _folder = Directory.CreateTempSubdirectory("tinymllm-terminal-").FullName;

    [TearDown]
    public void RemoveFolder() => Directory.Delete(_folder, recursive: true);

    [Test]
    public void PicturesAreNamedAsPeopleTypeAndTerminalsPasteThem()
    {
        Directory.CreateDirectory(Path.Combine(_folder, "my pictures"));
        File.Copy(Tool.Sample("pizza.png"), Path.Combine(_folder, "my pictures", "a pizza.png"));
        using var chat = ToolOnTerminal.Start("chat -m demo", _folder);
        string whole = Path.Combine(_folder, "my pictures", "a pizza.png");
        string[] ways =
        [
            "/image ~/my\\ pictures/a\\ pizza.png", "/image '~/my pictures/a pizza.png'",
            "/image \"my pictures/a pizza.png\"", "/image my pictures/a pizza.png",
            $"{PasteBegins}{whole.Replace(" ", "\\ ", StringComparison.Ordinal)}{PasteEnds}", $"{PasteBegins}'{whole}' {PasteEnds}",
            $"{PasteBegins}{new Uri(whole).AbsoluteUri}{PasteEnds}", "/image ~/my\t\t",
        ];
        for (int i = 0; i < ways.Length; i++)
            chat.Enter(ways[i], i == 0 ? "> " : i == 1 ? "[1 picture] > " : $"[{i} pictures] > ").Expect("512 × 512 pixels");
        chat.Enter("/clear", $"[{ways.Length} pictures] > ");
        chat.Enter("/image ~/none.png").Expect("error:").Expect($"there is no file {_folder}/none.png");
        chat.Enter("/exit");
        Assert.That(chat.End(), Is.Zero);
    }

    [Test]
    public void APasteAndABlockAreOneQuestion()
    {
        using var chat = ToolOnTerminal.Start("chat -m demo -i \"$DEMO/samples/pizza.png\"", _folder);
        chat.Enter($"{PasteBegins}What is\rthis?\r{PasteEnds}", "[1 picture] > ").Expect("a pizza.");
        chat.Enter("\"\"\"").Enter("/help is not asked for here.", "... ");
        chat.Enter("What color is the background?\"\"\"", "... ").Expect("tokens/s");
        chat.Enter("/history").Expect("User: [picture] What is\r\nthis?\r\n")
            .Expect("User: /help is not asked for here.\r\nWhat color is the background?\r\n");
        chat.Enter("/exit");
        Assert.That(chat.End(), Is.Zero);
    }

    [Test]
    public void AnAnswerThatIsStoppedIsKept()
    {
        using var chat = ToolOnTerminal.Start("chat -m demo -t 1 -n 450 --grammar 'root ::= [qzjxkv]{450}'", _folder);
        // The whole answer takes a tenth of a second: where the key comes too late, the question is asked again.
        for (int i = 0; ; i++)
        {
            chat.Enter("Say something.").Expect("\e[?2004l\r\n").Expect("");
            WaitForAnswer(chat, answers: i);
            if (chat.Type(Interrupt).ExpectEither("stopped; what there is of the answer is kept", "stopped at -n")) break;
            Assert.That(i, Is.LessThan(50), "every answer ended before it was stopped");
            chat.Enter("/clear");
        }

        chat.Enter("/history").Expect("User: Say something.\r\nAssistant: ");
        chat.Enter("/exit");
        Assert.That(chat.End(), Is.Zero);
        string shown = Regex.Matches(chat.Output, AnswerPattern).Last().Groups[1].Value;
        Assert.That(shown, Is.Not.Empty);
        Assert.That(chat.Output, Does.Contain($"Assistant: {shown}\r\n"));
    }

    /// <summary>The answer begins only when the bar has been seen.</summary>
    [TestCase(true)]
    [TestCase(false)]
    public async Task EncodingShowsItsTilesOnATerminalOnly(bool isTerminal)
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        var terminal = Terminal.Of(TextReader.Null, output, TextWriter.Synchronized(error), isTerminal);
        async IAsyncEnumerable<GeneratedPiece> Ask(GenerationOptions options)
        {
            Assert.That(options.ImageProgress is not null, Is.EqualTo(isTerminal), "else nobody is to be told");
            options.ImageProgress?.Report(new ImageProgress(2, 13, 0.2));
            while (isTerminal && !Text(error).Contains("looking: tile 3 of 13", StringComparison.Ordinal)) await Task.Delay(10);
            options.ImageProgress?.Report(new ImageProgress(13, 13, 1));
            while (isTerminal && !Text(error).Contains("reading the prompt", StringComparison.Ordinal)) await Task.Delay(10);
            yield return new GeneratedPiece("a pi", [], null);
            yield return new GeneratedPiece("zza", [], null);
        }

        await Answers.ShowAsync(terminal, GenerationOptions.Default, Ask).WaitAsync(Shell.Patience);
        Assert.That(output.ToString(), Is.EqualTo("a pizza"));
        if (!isTerminal) Assert.That(Text(error), Is.Empty);
    }

    [Test]
    public void AnAnswerAndItsTimeShow()
    {
        using var run = ToolOnTerminal.Start("run -m demo -p 'What is this?' -i \"$DEMO/samples/pizza.png\"", _folder);
        run.Expect("a pizza.").Expect("tokens/s");
        Assert.That(run.End(), Is.Zero);
    }

    [Test]
    public void DescribeShowsWhichPictureOfHowMany()
    {
        foreach (string name in new[] { "penguin.png", "pizza.png" }) File.Copy(Tool.Sample(name), Path.Combine(_folder, name));
        using var describe = ToolOnTerminal.Start("describe . -m demo -o log.jsonl", _folder);
        describe.Expect("2 described");
        Assert.That(describe.End(), Is.Zero);
        Assert.That(describe.Output, Does.Match("[12]/2 (penguin|pizza).png"));
        Assert.That(File.ReadAllLines(Path.Combine(_folder, "log.jsonl")), Has.Length.EqualTo(2));
    }

    [TestCase("\e[200~a\rb\e[201~x", "a\nb|x")]
    [TestCase("\e[200~a\r\nb\tc\a\r\e[201~", "a\nb\tc")]
    [TestCase("\e[200~\e[201~", "")]
    [TestCase("\e[1;9Zx", "x", Description = "an unknown sequence")]
    [TestCase("\e", null, Description = "the key itself")]
    public void KeysAndPastesAreToldApart(string typed, string? expected)
    {
        var waiting = new Queue<char>(typed);
        ConsoleKeyInfo Next() => waiting.TryDequeue(out char c)
            ? new ConsoleKeyInfo(c, c == '\e' ? ConsoleKey.Escape : c == '\r' ? ConsoleKey.Enter : ConsoleKey.None, false, false, false)
            : throw new EndOfStreamException();
        var keys = new KeyReader(Next, () => waiting.Count > 0);
        var read = new List<string>();
        try
        {
            while (true) read.Add(keys.Read() is { Pasted: { } pasted } ? pasted : throw new NotSupportedException());
        }
        catch (NotSupportedException)
        {
            read.Add(typed[^1..]);
        }
        catch (EndOfStreamException)
        {
        }

        Assert.That(read, Is.EqualTo(expected is null ? [] : expected.Split('|')));
    }

    /// <summary>What was written so far; the bar is drawn by another thread.</summary>
    private static string Text(StringWriter writer)
    {
        while (true)
        {
            try
            {
                return writer.ToString();
            }
            catch (ArgumentOutOfRangeException)
            {
                // It grew meanwhile.
            }
        }
    }

    /// <summary>Until letters follow the question, and <paramref name="answers"/> answers went before.</summary>
    private static void WaitForAnswer(ToolOnTerminal chat, int answers)
    {
        for (int i = 0; i < 60_000 && Regex.Count(chat.Output, AnswerPattern) <= answers; i++) Thread.Sleep(1);
    }
}
