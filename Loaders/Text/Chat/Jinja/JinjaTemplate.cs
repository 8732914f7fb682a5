namespace TinyMllm.Loaders.Text.Chat.Jinja;

/// <summary>A parsed template: immutable, so many threads may render it at once.</summary>
internal sealed class JinjaTemplate
{
    /// <summary>Longest template that is read, in characters.</summary>
    private const int MaximumLength = 1 << 20;

    private readonly Statement[] _statements;

    private JinjaTemplate(Statement[] statements) => _statements = statements;

    /// <summary>Parses a template.</summary>
    /// <exception cref="ChatTemplateException">It is not well formed.</exception>
    public static JinjaTemplate Parse(string source)
    {
        if (source.Length > MaximumLength) throw new ChatTemplateException(0, $"{source.Length} characters long, at most {MaximumLength} are read");
        return new JinjaTemplate(JinjaParser.Parse(source));
    }

    /// <summary>Renders it.</summary>
    /// <exception cref="ChatTemplateException">The template fails on these values, or refuses them.</exception>
    public string Render(IEnumerable<(string Name, object? Value)> variables, DateTime now) =>
        Interpreter.Render(_statements, new RenderContext(now), variables);
}
