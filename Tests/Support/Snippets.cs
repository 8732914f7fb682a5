using System.Text;

namespace TinyMllm.Tests.Support;

/// <summary>C# in the documentation.</summary>
internal static class Snippets
{
    private const string Begin = "```csharp\n", End = "\n```";

    /// <summary>The snippets of a page, given by its path in the repository.</summary>
    public static IEnumerable<string> Of(string page) =>
        File.ReadAllText(Path.Combine(Golden.Root, page)).Split(Begin).Skip(1).Select(rest => rest[..rest.IndexOf(End, StringComparison.Ordinal)]);

    /// <summary>Whether it shows how the repository itself is written, and not how it is used.</summary>
    public static bool IsInternal(string snippet) => snippet.Contains("internal ", StringComparison.Ordinal);

    /// <summary>A file in which a snippet stands in a method of its own; what it takes as given is in <c>Given</c>.</summary>
    public static string Wrap(string snippet, string name)
    {
        ILookup<bool, string> lines = snippet.Split('\n').ToLookup(line => line.StartsWith("using ", StringComparison.Ordinal) && line.EndsWith(';') && !line.Contains('='));
        var file = new StringBuilder();
        foreach (string line in lines[true]) file.AppendLine(line);
        file.AppendLine($"sealed class {name} : Given\n{{\n    async Task Run(string[] args)\n    {{\n        await Task.Yield();");
        foreach (string line in lines[false]) file.AppendLine("        " + line);
        return file.AppendLine("    }\n}").ToString();
    }
}
