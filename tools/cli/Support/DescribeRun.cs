using System.CommandLine;
using System.Globalization;
using System.Text;
using TinyMllm.Loaders.Files;
using TinyMllm.Loaders.Gguf;

namespace TinyMllm.Cli.Support;

/// <summary>What the answers of a run depend on, besides the picture: a log goes on only where all of it is the same.</summary>
/// <param name="Model">Name of the model's file.</param>
/// <param name="Projector">Name of the picture encoder's file.</param>
/// <param name="Prompt">The question.</param>
/// <param name="Options">The options that the user gave, as typed, without those that change no answer.</param>
/// <param name="Key">A short hash of all of it, with what is in the files.</param>
internal sealed record DescribeRun(
    string Model, string Projector, string Prompt, IReadOnlyList<(string Name, string Value)> Options, string Key)
{
    private const long LargestText = 1 << 20;

    /// <summary>Takes it down.</summary>
    /// <param name="model">Path of the model.</param>
    /// <param name="projector">Path of the picture encoder.</param>
    /// <param name="prompt">The question.</param>
    /// <param name="parsed">The command line.</param>
    /// <param name="indifferent">Options that change no answer, or that are taken down otherwise.</param>
    public static DescribeRun Of(string model, string projector, string prompt, ParseResult parsed, IReadOnlyCollection<Option> indifferent)
    {
        var hash = new ShortHash();
        AddModel(hash, model);
        AddModel(hash, projector);
        hash.Add(prompt);
        var options = new List<(string, string)>();
        foreach (Option option in parsed.CommandResult.Command.Options.Except(indifferent).OrderBy(LongName, StringComparer.Ordinal))
        {
            if (parsed.GetResult(option) is not { Implicit: false } result) continue;
            string[] values = [.. result.Tokens.Select(token => token.Value)];
            if (values is [var only] && IsDefault(option, only)) continue;
            options.Add((LongName(option), values.Length == 0 ? "true" : string.Join(' ', values)));
            hash.Add(LongName(option));
            foreach (string value in values) hash.Add(Content(value));
        }

        return new DescribeRun(Path.GetFileName(model), Path.GetFileName(projector), prompt, options, hash.ToString());
    }

    private static bool IsDefault(Option option, string value) => option.HasDefaultValue
        && value.Equals(Convert.ToString(option.GetDefaultValue(), CultureInfo.InvariantCulture), StringComparison.OrdinalIgnoreCase);

    private static void AddModel(ShortHash hash, string path)
    {
        string[] parts;
        using (var file = GgufFile.Open(path)) parts = [.. file.PartPaths];
        foreach (string part in parts)
        {
            hash.Add(Path.GetFileName(part));
            hash.AddFile(part);
        }
    }

    /// <summary>A value, or what is in the file that it names: a template or a grammar may change under the same name.</summary>
    private static string Content(string value)
    {
        string path = value is ['@', ..] ? value[1..] : value;
        return path.Length > 0 && FileKinds.Of(path) == FileKind.Regular && new FileInfo(path).Length <= LargestText
            ? File.ReadAllText(path, Encoding.Latin1) : value;
    }

    private static string LongName(Option option) => option.Aliases.Append(option.Name).MaxBy(name => name.Length)!.TrimStart('-');
}
