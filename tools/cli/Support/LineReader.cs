using System.Text;

namespace TinyMllm.Cli.Support;

/// <summary>
/// Reads lines. On a terminal they can be edited and earlier ones come back with the arrow keys; elsewhere lines come as they are, without
/// a prompt.
/// </summary>
internal sealed class LineReader(Terminal terminal)
{
    private readonly List<string> _history = [];

    /// <summary>The next line; null at the end of the input, or when the user leaves.</summary>
    public string? Read(string prompt)
    {
        if (!terminal.InIsTerminal || !terminal.OutIsTerminal) return terminal.In.ReadLine();
        bool before = Console.TreatControlCAsInput;
        Console.TreatControlCAsInput = true;
        try
        {
            string? line = Edit(prompt);
            if (line is { Length: > 0 } && (_history.Count == 0 || _history[^1] != line)) _history.Add(line);
            return line;
        }
        finally
        {
            Console.TreatControlCAsInput = before;
            Console.WriteLine();
        }
    }

    private string? Edit(string prompt)
    {
        var line = new StringBuilder();
        int cursor = 0, recalled = _history.Count;
        while (true)
        {
            Draw(prompt, line, cursor);
            ConsoleKeyInfo key = Console.ReadKey(intercept: true);
            bool control = key.Modifiers.HasFlag(ConsoleModifiers.Control);
            switch (key.Key)
            {
                case ConsoleKey.Enter: return line.ToString();
                case ConsoleKey.C when control && line.Length == 0: return null;
                case ConsoleKey.D when control && line.Length == 0: return null;
                case ConsoleKey.C when control:
                    line.Clear();
                    cursor = 0;
                    break;
                case ConsoleKey.LeftArrow: cursor = Math.Max(0, cursor - 1); break;
                case ConsoleKey.RightArrow: cursor = Math.Min(line.Length, cursor + 1); break;
                case ConsoleKey.Home: cursor = 0; break;
                case ConsoleKey.End: cursor = line.Length; break;
                case ConsoleKey.Backspace when cursor > 0: line.Remove(--cursor, 1); break;
                case ConsoleKey.Delete when cursor < line.Length: line.Remove(cursor, 1); break;
                case ConsoleKey.UpArrow or ConsoleKey.DownArrow:
                    recalled = Math.Clamp(recalled + (key.Key == ConsoleKey.UpArrow ? -1 : 1), 0, _history.Count);
                    line.Clear().Append(recalled < _history.Count ? _history[recalled] : "");
                    cursor = line.Length;
                    break;
                default:
                    if (!char.IsControl(key.KeyChar) && key.KeyChar != 0) line.Insert(cursor++, key.KeyChar);
                    break;
            }
        }
    }

    /// <summary>Draws the part of the line around the cursor that fits one row.</summary>
    private static void Draw(string prompt, StringBuilder line, int cursor)
    {
        int room = Math.Max(8, Console.WindowWidth - prompt.Length - 1);
        int from = Math.Max(0, cursor - room + 1);
        string shown = line.ToString(from, Math.Min(room, line.Length - from));
        Console.Write($"\r{prompt}{shown}{new string(' ', room - shown.Length)}\r{prompt}{shown[..(cursor - from)]}");
    }
}
