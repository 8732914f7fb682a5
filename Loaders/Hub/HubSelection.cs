using System.Text.RegularExpressions;

namespace TinyMllm.Loaders.Hub;

/// <summary>Chooses, from the files of a repository, the language model (with all its parts) and the picture encoder that goes with
/// it.</summary>
internal static partial class HubSelection
{
    // Small models lose most to coarse weights and cost little at eight bits, so Q8_0 comes first.
    private static readonly string[] ModelPreference =
        ["Q8_0", "Q6_K", "Q5_K_M", "Q4_K_M", "Q4_0", "IQ4_NL", "IQ4_XS", "F16", "BF16", "F32"];

    private static readonly string[] ProjectorPreference = ["Q8_0", "F16", "BF16", "F32"];

    /// <summary>The files to fetch: model parts in order, then the picture encoder if there is one.</summary>
    public static (HubFile[] Model, HubFile? Projector) Choose(HubReference reference, IReadOnlyList<HubFile> files)
    {
        HubFile[] models = [.. files.Where(file => file.IsGguf && !file.IsProjector)];
        if (models.Length == 0)
        {
                throw new HubException(HubError.NotFound,
                    $"{reference.Repository} holds no GGUF language model; look for a repository whose name ends in -GGUF");
        }

        HubFile model = reference.Selector is { } selector
            ? Named(selector, models) ?? throw new HubException(HubError.NotFound,
                $"{reference.Repository} has no file or weight type '{selector}'; it has {Names(models)}")
            : ByPreference(models, ModelPreference) ?? models[0];

        string folder = Folder(model);
        HubFile[] projectors = [.. files.Where(file => file.IsGguf && file.IsProjector)];
        HubFile[] beside = [.. projectors.Where(file => Folder(file) == folder)];
        if (beside.Length > 0) projectors = beside;
        return (Parts(model, models), ByPreference(projectors, ProjectorPreference) ?? projectors.FirstOrDefault());
    }

    /// <summary>All parts of a split file (<c>…-00001-of-00003.gguf</c>), or the file alone.</summary>
    private static HubFile[] Parts(HubFile model, HubFile[] models)
    {
        Match split = SplitName().Match(model.Path);
        if (!split.Success) return [model];
        string stem = split.Groups[1].Value, count = split.Groups[3].Value;
        HubFile[] parts =
        [
            .. models.Where(file => SplitName().Match(file.Path) is { Success: true } other && other.Groups[1].Value == stem
                && other.Groups[3].Value == count)
                .OrderBy(file => file.Path, StringComparer.Ordinal),
        ];
        return parts.Length == int.Parse(count, System.Globalization.CultureInfo.InvariantCulture)
            ? parts
            : throw new HubException(HubError.NotFound, $"{model.Path} is one of {count} parts, but the repository lists {parts.Length}");
    }

    private static HubFile? Named(string selector, HubFile[] files) =>
        files.FirstOrDefault(file => file.Path == selector)
        ?? files.FirstOrDefault(file => file.Name.Equals(selector, StringComparison.OrdinalIgnoreCase))
        ?? files.FirstOrDefault(file => file.Name.Equals(selector + ".gguf", StringComparison.OrdinalIgnoreCase))
        ?? ByPreference(files, [selector]);

    private static HubFile? ByPreference(HubFile[] files, string[] types) =>
        types.Select(type => files.Where(file => HasTag(file.Name, type)).MinBy(file => file.Path, StringComparer.Ordinal))
            .FirstOrDefault(file => file is not null);

    /// <summary>Whether the weight type stands in the name as a word of its own: Q4_0 is not in Q4_0_4_4, nor F16 in BF16.</summary>
    private static bool HasTag(string name, string type)
    {
        for (int at = 0; (at = name.IndexOf(type, at, StringComparison.OrdinalIgnoreCase)) >= 0; at++)
        {
            bool starts = at == 0 || name[at - 1] is '-' or '.' or '_';
            int end = at + type.Length;
            if (starts && (end == name.Length || name[end] is '-' or '.')) return true;
        }

        return false;
    }

    private static string Folder(HubFile file) => file.Path[..^file.Name.Length];

    private static string Names(HubFile[] files) =>
        string.Join(", ", files.Take(12).Select(file => file.Path)) + (files.Length > 12 ? ", …" : "");

    [GeneratedRegex(@"^(.*)-(\d{5})-of-(\d{5})\.gguf$", RegexOptions.IgnoreCase)]
    private static partial Regex SplitName();
}
