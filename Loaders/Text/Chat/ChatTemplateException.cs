namespace TinyMllm.Loaders.Text.Chat;

/// <summary>A chat template cannot be read or rendered; the message names the line and the construct.</summary>
public sealed class ChatTemplateException : TinyMllmException
{
    /// <summary>An error at a line of the template.</summary>
    /// <param name="line">1-based line; 0 when the whole template is meant.</param>
    /// <param name="problem">What is wrong, one line.</param>
    /// <param name="raisedByTemplate">True when the template itself refused its input.</param>
    public ChatTemplateException(int line, string problem, bool raisedByTemplate = false)
        : base(TinyMllmErrorKind.InvalidChatTemplate, line > 0 ? $"chat template, line {line}: {problem}" : $"chat template: {problem}")
    {
        (Line, Problem, RaisedByTemplate) = (line, problem, raisedByTemplate);
    }

    /// <summary>1-based line of the template; 0 when unknown.</summary>
    public int Line { get; }

    /// <summary>The message without the place.</summary>
    public string Problem { get; }

    /// <summary>True when the template called <c>raise_exception</c>: it understood the messages and refuses them.</summary>
    public bool RaisedByTemplate { get; }
}
