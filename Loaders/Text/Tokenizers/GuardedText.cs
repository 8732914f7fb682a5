using System.Text;

namespace TinyMllm.Loaders.Text.Tokenizers;

/// <summary>
/// The text of a prompt in which special tokens count as such where a template wrote them, and not where a user's words spell one out:
/// whoever types <c>&lt;|im_end|&gt;</c> says these characters and ends nothing. <see cref="Chat.ChatTemplate.RenderGuarded"/> makes it,
/// <see cref="Tokenizer.Encode(GuardedText, bool)"/> reads it.
/// </summary>
/// <remarks>
/// A guard is a place between two characters that no special token and no picture marker may span. While a template is rendered, guards are
/// characters inside the words, so that they stay with them whatever the template does; see <see cref="TextGuard"/>.
/// </remarks>
public sealed class GuardedText
{
    /// <summary>Stands for a guard during rendering: a noncharacter, which Unicode leaves to a program's own use.</summary>
    internal const char Mark = '\uFDD0';

    private readonly int[] _guards;

    private GuardedText(string text, int[] guards) => (Text, _guards) = (text, guards);

    /// <summary>The text alone.</summary>
    public string Text { get; }

    /// <summary>Places that nothing special may span: the number of characters before each, ascending.</summary>
    public IReadOnlyList<int> Guards => _guards;

    /// <summary>A text in which everything counts that is written out, as in a prompt that a program puts together itself.</summary>
    public static implicit operator GuardedText(string text) => FromTemplate(text);

    /// <summary>A text in which everything counts that is written out.</summary>
    public static GuardedText FromTemplate(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        return new GuardedText(text, []);
    }

    /// <inheritdoc/>
    public override string ToString() => Text;

    /// <summary>Takes the marks out of a text and remembers where they were.</summary>
    internal static GuardedText Read(string marked)
    {
        if (!marked.Contains(Mark)) return new GuardedText(marked, []);
        var text = new StringBuilder(marked.Length);
        List<int> guards = [];
        foreach (char c in marked)
        {
            if (c != Mark) text.Append(c);
            else if (guards.Count == 0 || guards[^1] != text.Length) guards.Add(text.Length);
        }

        return new GuardedText(text.ToString(), [.. guards]);
    }

    /// <summary>Cuts the text at each <paramref name="marker"/> that no guard is in.</summary>
    internal IReadOnlyList<GuardedText> Split(string marker)
    {
        List<GuardedText> parts = [];
        int start = 0;
        for (int at = Text.IndexOf(marker, StringComparison.Ordinal); at >= 0;)
        {
            bool guarded = Array.Exists(_guards, guard => guard > at && guard < at + marker.Length);
            if (!guarded)
            {
                parts.Add(Slice(start, at));
                start = at + marker.Length;
            }

            at = Text.IndexOf(marker, guarded ? at + 1 : start, StringComparison.Ordinal);
        }

        parts.Add(Slice(start, Text.Length));
        return parts;
    }

    /// <summary>The text in UTF-8, with the guards as numbers of bytes.</summary>
    internal byte[] ToUtf8(out int[] guards)
    {
        guards = new int[_guards.Length];
        for (int i = 0, done = 0, bytes = 0; i < guards.Length; done = _guards[i++])
            guards[i] = bytes += Encoding.UTF8.GetByteCount(Text.AsSpan(done, _guards[i] - done));
        return Encoding.UTF8.GetBytes(Text);
    }

    private GuardedText Slice(int start, int end) =>
        new(Text[start..end], [.. _guards.Where(guard => guard > start && guard < end).Select(guard => guard - start)]);
}
