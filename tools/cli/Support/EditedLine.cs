using System.Globalization;
using System.Text;
using Spectre.Console.Rendering;

namespace TinyMllm.Cli.Support;

/// <summary>
/// A line being edited: a text and a cursor. The cursor steps over what readers see as one character, however many code units that takes,
/// and widths are in cells of the terminal, of which many characters take two.
/// </summary>
internal sealed class EditedLine
{
    /// <summary>How a line break within the line is shown.</summary>
    private const char LineBreak = '↵';

    private readonly StringBuilder _text = new();

    /// <summary>The text.</summary>
    public string Text => _text.ToString();

    /// <summary>Code units before the cursor.</summary>
    public int Cursor { get; private set; }

    /// <summary>Whether half of a character has arrived: terminals deliver the two halves of an emoji one after the other.</summary>
    public bool IsHalfway => Cursor > 0 && char.IsHighSurrogate(_text[Cursor - 1]);

    public void Insert(string text)
    {
        _text.Insert(Cursor, text);
        Cursor += text.Length;
    }

    /// <summary>Puts another text in the line's place, the cursor at its end.</summary>
    public void Set(string text)
    {
        _text.Clear().Append(text);
        Cursor = text.Length;
    }

    public void MoveLeft() => Cursor = Before(Cursor);

    public void MoveRight() => Cursor = After(Cursor);

    public void MoveToStart() => Cursor = 0;

    public void MoveToEnd() => Cursor = _text.Length;

    public void DeleteLeft() => Delete(Before(Cursor), Cursor);

    public void DeleteRight() => Delete(Cursor, After(Cursor));

    public void DeleteToStart() => Delete(0, Cursor);

    public void DeleteToEnd() => Delete(Cursor, _text.Length);

    public void DeleteWordLeft()
    {
        int start = Cursor;
        while (start > 0 && _text[start - 1] == ' ') start--;
        while (start > 0 && _text[start - 1] != ' ') start--;
        Delete(start, Cursor);
    }

    /// <summary>The part of the line around the cursor that fits a row.</summary>
    /// <param name="cells">Cells of the row.</param>
    /// <returns>What to show, and the cells before the cursor.</returns>
    public (string Shown, int CursorCell) Window(int cells)
    {
        string text = Text.Replace('\n', LineBreak).Replace('\t', ' ');
        int from = 0;
        while (from < Cursor && Width(text[from..Cursor]) >= cells) from = After(from);
        int to = Cursor;
        while (to < text.Length && Width(text[from..After(to)]) < cells) to = After(to);
        return (text[from..to], Width(text[from..Cursor]));
    }

    /// <summary>Cells that a text takes.</summary>
    public static int Width(string text) => new Segment(text).CellCount();

    private void Delete(int start, int end)
    {
        _text.Remove(start, end - start);
        Cursor = start;
    }

    private int After(int position) =>
        position < _text.Length ? position + StringInfo.GetNextTextElementLength(Text.AsSpan(position)) : position;

    private int Before(int position)
    {
        int before = 0;
        while (After(before) is var next && next < position) before = next;
        return before;
    }
}
