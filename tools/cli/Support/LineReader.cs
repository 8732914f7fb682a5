using System.Text;

namespace TinyMllm.Cli.Support;

/// <summary>What Tab can make of a line.</summary>
/// <param name="Line">The line.</param>
/// <param name="Label">How it is listed among others.</param>
internal sealed record Choice(string Line, string Label);

/// <summary>What was typed or pasted.</summary>
/// <param name="Text">The text.</param>
/// <param name="IsBlock">Whether it is a text of several lines, which is no command however it begins.</param>
internal sealed record TypedText(string Text, bool IsBlock);

/// <summary>
/// Reads lines. On a terminal they can be edited, earlier ones come back with the arrow keys, Tab completes them and a paste of several
/// lines stays one text; elsewhere lines come as they are, without a prompt. A text between two <c>"""</c> may have several lines anywhere.
/// </summary>
/// <param name="terminal">Where from.</param>
/// <param name="complete">What a line can become when Tab is pressed at its end.</param>
internal sealed class LineReader(Terminal terminal, Func<string, IReadOnlyList<Choice>> complete)
{
    private const string EraseToEnd = "\e[K", PasteOn = "\e[?2004h", PasteOff = "\e[?2004l", Fence = "\"\"\"", NextPrompt = "... ";

    private const int UsualWidth = 80;

    private readonly List<string> _history = [];

    /// <summary>The next line or block; null at the end of the input, or when the user leaves.</summary>
    public TypedText? Read(string prompt)
    {
        if (ReadLine(prompt) is not { } line) return null;
        string start = line.Trim();
        if (!start.StartsWith(Fence, StringComparison.Ordinal)) return new TypedText(line, line.Contains('\n'));
        string rest = start[Fence.Length..];
        if (rest.EndsWith(Fence, StringComparison.Ordinal)) return new TypedText(rest[..^Fence.Length].Trim(), true);

        var text = new StringBuilder(rest);
        while (ReadLine(NextPrompt) is { } next)
        {
            bool last = next.TrimEnd().EndsWith(Fence, StringComparison.Ordinal);
            text.Append('\n').Append(last ? next.TrimEnd()[..^Fence.Length] : next);
            if (last) break;
        }

        return new TypedText(text.ToString().Trim('\n'), true);
    }

    private string? ReadLine(string prompt)
    {
        if (!terminal.InIsTerminal || !terminal.OutIsTerminal) return terminal.In.ReadLine();
        if (!terminal.OutConsole.Profile.Capabilities.Ansi)
        {
            terminal.Write(prompt);
            return terminal.In.ReadLine();
        }

        bool before = Console.TreatControlCAsInput;
        Console.TreatControlCAsInput = true;
        Console.Write(PasteOn);
        try
        {
            string? line = Edit(prompt);
            if (line is { Length: > 0 } && (_history.Count == 0 || _history[^1] != line)) _history.Add(line);
            return line;
        }
        finally
        {
            Console.TreatControlCAsInput = before;
            Console.WriteLine(PasteOff);
        }
    }

    private string? Edit(string prompt)
    {
        var line = new EditedLine();
        var keys = new KeyReader(() => Console.ReadKey(intercept: true), () => Console.KeyAvailable);
        int recalled = _history.Count;
        bool leaving = false;
        while (true)
        {
            if (!line.IsHalfway) Draw(prompt, line);
            TypedKey typed = keys.Read();
            if (typed.Pasted is { } pasted)
            {
                line.Insert(pasted);
                continue;
            }

            ConsoleKeyInfo key = typed.Key;
            bool control = key.Modifiers.HasFlag(ConsoleModifiers.Control), empty = line.Text.Length == 0;
            bool leave = control && empty && (key.Key == ConsoleKey.D || (key.Key == ConsoleKey.C && leaving));
            if (leave) return null;
            leaving = false;
            switch (key.Key)
            {
                case ConsoleKey.Enter: return line.Text;
                case ConsoleKey.C when control && empty:
                    // One too many behind the one that stopped an answer should not end the conversation.
                    Console.Write($"\r{EraseToEnd}");
                    terminal.Note("Ctrl-C again leaves, like Ctrl-D and /exit");
                    leaving = true;
                    break;
                case ConsoleKey.C when control: line.Set(""); break;
                case ConsoleKey.A when control:
                case ConsoleKey.Home: line.MoveToStart(); break;
                case ConsoleKey.E when control:
                case ConsoleKey.End: line.MoveToEnd(); break;
                case ConsoleKey.U when control: line.DeleteToStart(); break;
                case ConsoleKey.K when control: line.DeleteToEnd(); break;
                case ConsoleKey.W when control: line.DeleteWordLeft(); break;
                case ConsoleKey.LeftArrow: line.MoveLeft(); break;
                case ConsoleKey.RightArrow: line.MoveRight(); break;
                case ConsoleKey.Backspace: line.DeleteLeft(); break;
                case ConsoleKey.D when control:
                case ConsoleKey.Delete: line.DeleteRight(); break;
                case ConsoleKey.Tab: Complete(line); break;
                case ConsoleKey.UpArrow or ConsoleKey.DownArrow:
                    recalled = Math.Clamp(recalled + (key.Key == ConsoleKey.UpArrow ? -1 : 1), 0, _history.Count);
                    line.Set(recalled < _history.Count ? _history[recalled] : "");
                    break;
                default:
                    if (!char.IsControl(key.KeyChar)) line.Insert(key.KeyChar.ToString());
                    break;
            }
        }
    }

    /// <summary>Adds what all completions have in common, or shows them if that is nothing.</summary>
    private void Complete(EditedLine line)
    {
        string text = line.Text;
        if (line.Cursor < text.Length || complete(text) is not { Count: > 0 } choices) return;
        string common = choices.Select(choice => choice.Line).Aggregate((a, b) => a[..a.AsSpan().CommonPrefixLength(b)]);
        if (common.Length > text.Length || choices.Count == 1)
        {
            line.Set(common);
            return;
        }

        Console.Write($"\r{EraseToEnd}");
        terminal.Note(string.Join("   ", choices.Select(choice => choice.Label)));
    }

    private static void Draw(string prompt, EditedLine line)
    {
        int width = Console.WindowWidth is > 0 and int columns ? columns : UsualWidth; // Some terminals do not know theirs.
        (string shown, int cursor) = line.Window(Math.Max(8, width - prompt.Length));
        int column = prompt.Length + cursor;
        Console.Write($"\r{prompt}{shown}{EraseToEnd}\r{(column > 0 ? $"\e[{column}C" : "")}");
    }
}
