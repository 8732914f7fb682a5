using System.Text.Json;

namespace TinyMllm.Cli.Support;

/// <summary>Variables for a chat template, given as <c>NAME=VALUE</c>.</summary>
internal static class TemplateVariables
{
    /// <summary>Reads them: a value is JSON if it can be, else a text.</summary>
    /// <exception cref="UsageException">One has no name, or two have the same.</exception>
    public static IReadOnlyDictionary<string, object?> Parse(IEnumerable<string> given)
    {
        Dictionary<string, object?> variables = [];
        foreach (string one in given)
        {
            int equals = one.IndexOf('=');
            if (equals <= 0) throw new UsageException($"--template-var is NAME=VALUE, not '{one}'");
            if (!variables.TryAdd(one[..equals], Value(one[(equals + 1)..])))
                throw new UsageException($"--template-var {one[..equals]} is given twice");
        }

        return variables;
    }

    private static object Value(string text)
    {
        try
        {
            return JsonElement.Parse(text);
        }
        catch (JsonException)
        {
            return text;
        }
    }
}
