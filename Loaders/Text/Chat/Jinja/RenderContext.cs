using System.Runtime.CompilerServices;

namespace TinyMllm.Loaders.Text.Chat.Jinja;

/// <summary>
/// What one rendering may use up. A template comes from a downloaded file, so it must not be able to hang the program or eat its memory:
/// every step, every character made and every list element counts as work, and the work is limited.
/// </summary>
internal sealed class RenderContext(DateTime now)
{
    /// <summary>Work allowed in all: characters; a step or a list element counts as many. About a second's worth.</summary>
    private const long WorkLimit = 64L << 20;

    /// <summary>Longest output, in characters.</summary>
    public const int OutputLimit = 16 << 20;

    /// <summary>Work of a step or a list element.</summary>
    private const int StepWork = 16;

    /// <summary>Deepest nesting of expressions, blocks, macro calls and values.</summary>
    private const int DepthLimit = 250;

    private long _work;
    private int _depth;

    /// <summary>The time that <c>strftime_now</c> gives.</summary>
    public DateTime Now { get; } = now;

    /// <summary>Line being worked on.</summary>
    public int Line { get; set; }

    /// <summary>Counts a step of the interpreter at a line.</summary>
    public void Step(int line)
    {
        Line = line;
        ChargeCharacters(StepWork);
    }

    /// <summary>Counts characters that are made or looked at.</summary>
    public void ChargeCharacters(long count)
    {
        _work += count;
        if (_work > WorkLimit || count > WorkLimit) throw Error("rendering takes too much work or memory");
    }

    /// <summary>Counts list elements that are made or looked at.</summary>
    public void ChargeItems(long count) => ChargeCharacters(Math.Min(count, WorkLimit) * StepWork);

    /// <summary>Counts the text and returns it.</summary>
    public string Made(string text)
    {
        ChargeCharacters(text.Length);
        return text;
    }

    /// <summary>Goes one level deeper; <see cref="Leave"/> comes back.</summary>
    public void Enter()
    {
        if (++_depth > DepthLimit || !RuntimeHelpers.TryEnsureSufficientExecutionStack()) throw Error("nested too deep");
    }

    /// <summary>Comes back from one level.</summary>
    public void Leave() => _depth--;

    /// <summary>An error at the present line.</summary>
    public ChatTemplateException Error(string problem) => new(Line, problem);
}
