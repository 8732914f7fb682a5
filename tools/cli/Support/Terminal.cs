using Spectre.Console;

namespace TinyMllm.Cli.Support;

/// <summary>
/// The streams of the program. Answers and machine-readable output go to <see cref="Out"/>, everything about them (timings, progress,
/// errors) to
/// <see cref="Error"/>; colours and bars appear only on a stream that is a terminal.
/// </summary>
internal sealed class Terminal
{
    private const int PlainWidth = 1000;

    private Terminal(
        TextReader input, TextWriter output, TextWriter error, bool inIsTerminal, bool outIsTerminal, bool errorIsTerminal,
        bool isTest = false)
    {
        (In, InIsTerminal) = (input, inIsTerminal);
        (Out, Error, OutIsTerminal, ErrorIsTerminal) = (output, error, outIsTerminal, errorIsTerminal);
        OutConsole = Console(output, outIsTerminal, isTest);
        ErrorConsole = Console(error, errorIsTerminal, isTest);
    }

    public TextReader In { get; }

    public bool InIsTerminal { get; }

    public TextWriter Out { get; }

    public TextWriter Error { get; }

    public bool OutIsTerminal { get; }

    public bool ErrorIsTerminal { get; }

    /// <summary>Tables and colours on standard output.</summary>
    public IAnsiConsole OutConsole { get; }

    /// <summary>Bars and colours on standard error.</summary>
    public IAnsiConsole ErrorConsole { get; }

    public static Terminal OfProcess()
    {
        bool input = !System.Console.IsInputRedirected;
        bool output = !System.Console.IsOutputRedirected, error = !System.Console.IsErrorRedirected;
        return new Terminal(
            input ? System.Console.In : StandardStreams.OpenInput() ?? TextReader.Null,
            output ? System.Console.Out : StandardStreams.OpenOutput(),
            error ? System.Console.Error : StandardStreams.OpenError(),
            input, output, error);
    }

    /// <summary>Streams of a test, which are no terminal unless it says so.</summary>
    public static Terminal Of(TextReader input, TextWriter output, TextWriter error, bool errorIsTerminal = false) =>
        new(input, output, error, false, false, errorIsTerminal, isTest: true);

    public void ReportError(string line)
    {
        if (ErrorIsTerminal) ErrorConsole.MarkupLineInterpolated($"[red]error:[/] {line}");
        else Error.WriteLine($"error: {line}");
    }

    /// <summary>A line about the work, dim on a terminal.</summary>
    public void Note(string line)
    {
        if (ErrorIsTerminal) ErrorConsole.MarkupLineInterpolated($"[dim]{line}[/]");
        else Error.WriteLine(line);
    }

    /// <summary>A piece of an answer, shown at once.</summary>
    public void Write(string piece)
    {
        Out.Write(piece);
        Out.Flush();
    }

    /// <summary>A piece of what a model thinks: dim, for people only.</summary>
    public void Think(string piece)
    {
        if (piece.Length > 0 && ErrorIsTerminal) ErrorConsole.Write(new Text(piece, new Style(decoration: Decoration.Dim)));
    }

    /// <summary>A table for standard output: ruled on a terminal, bare columns elsewhere.</summary>
    public Table NewTable(params ReadOnlySpan<string> columns)
    {
        var table = new Table { Border = OutIsTerminal ? TableBorder.Rounded : TableBorder.None };
        for (int i = 0; i < columns.Length; i++)
            table.AddColumn(new TableColumn(columns[i]) { NoWrap = !OutIsTerminal || i < columns.Length - 1 }); // Names stay whole.
        return table;
    }

    private static IAnsiConsole Console(TextWriter writer, bool isTerminal, bool isTest)
    {
        IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Out = new AnsiConsoleOutput(writer),
            Ansi = !isTerminal ? AnsiSupport.No : isTest ? AnsiSupport.Yes : AnsiSupport.Detect,
            ColorSystem = isTerminal && Environment.GetEnvironmentVariable("NO_COLOR") is null or "" ? ColorSystemSupport.Detect
                : ColorSystemSupport.NoColors,
            Interactive = !isTerminal ? InteractionSupport.No : isTest ? InteractionSupport.Yes : InteractionSupport.Detect,
        });
        if (!isTerminal) console.Profile.Width = PlainWidth;
        return console;
    }
}
