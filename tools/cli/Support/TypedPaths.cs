using System.Text;

namespace TinyMllm.Cli.Support;

/// <summary>
/// Paths as people type them and as terminals paste them when a file is dropped: in quotes, with a backslash before a blank, with
/// <c>~</c> for the home folder, as a <c>file://</c> address, or just so. On Windows a backslash separates folders.
/// </summary>
internal static class TypedPaths
{
    private static readonly EnumerationOptions Visible = new() { IgnoreInaccessible = true };

    /// <summary>The files that a text names: several, if all of them exist; else one.</summary>
    public static string[] Parse(string text)
    {
        text = text.Trim();
        if (File.Exists(Expand(text))) return [Expand(text)];
        string[] words = [.. Split(text).Select(Expand)];
        return words.Length == 1 || (words.Length > 1 && words.All(File.Exists)) ? words : [Expand(text)];
    }

    /// <summary>The pictures that a line consists of, as if dropped on the terminal; none if it is anything else.</summary>
    public static string[] DroppedPictures(string line)
    {
        bool looksLikePath = line is ['/' or '~' or '.' or '"' or '\'', ..] || line.StartsWith("file://", StringComparison.Ordinal)
            || (line.Length > 2 && Path.IsPathFullyQualified(line));
        string[] paths = looksLikePath ? Parse(line) : [];
        return paths.All(path => File.Exists(path) && Inputs.IsPicture(path)) ? paths : [];
    }

    /// <summary>What a path that is being typed can become: folders and pictures, written as it was begun.</summary>
    public static IReadOnlyList<Choice> Complete(string typed)
    {
        char quote = typed is ['"' or '\'', ..] ? typed[0] : '\0';
        string path = quote == '\0' ? string.Concat(Split(typed + "x"))[..^1] : typed[1..];
        int cut = path.LastIndexOfAny(['/', Path.DirectorySeparatorChar]) + 1;
        string folder = path[..cut], name = path[cut..], place = folder.Length == 0 ? "." : Expand(folder);
        if (!Directory.Exists(place)) return [];
        string Written(string entry) => quote == '\0' ? Escape(folder + entry)
            : quote + folder + entry + (entry.EndsWith('/') ? "" : quote);
        return [.. Directory.EnumerateDirectories(place, name + "*", Visible).Select(found => Path.GetFileName(found) + "/")
            .Concat(Directory.EnumerateFiles(place, name + "*", Visible).Where(Inputs.IsPicture).Select(found => Path.GetFileName(found)!))
            .Order(StringComparer.Ordinal).Select(entry => new Choice(Written(entry), entry))];
    }

    /// <summary><c>~</c> and <c>file://</c> resolved.</summary>
    private static string Expand(string path)
    {
        if (path == "~" || (path.Length > 1 && path[0] == '~' && (path[1] == '/' || path[1] == Path.DirectorySeparatorChar)))
            return Environment.GetFolderPath(Environment.SpecialFolder.UserProfile) + path[1..];
        bool isAddress = path.StartsWith("file://", StringComparison.Ordinal);
        return isAddress && Uri.TryCreate(path, UriKind.Absolute, out Uri? address) ? address.LocalPath : path;
    }

    /// <summary>The words of a line, as a shell takes them apart.</summary>
    private static List<string> Split(string text)
    {
        var words = new List<string>();
        var word = new StringBuilder();
        char quote = '\0';
        bool begun = false;
        for (int i = 0; i < text.Length; i++)
        {
            char c = text[i];
            if (IsEscape(text, i, quote))
            {
                word.Append(text[++i]);
                begun = true;
            }
            else if (c == quote)
            {
                quote = '\0';
            }
            else if (quote == '\0' && c is '"' or '\'')
            {
                quote = c;
                begun = true;
            }
            else if (quote == '\0' && char.IsWhiteSpace(c))
            {
                if (begun) words.Add(word.ToString());
                word.Clear();
                begun = false;
            }
            else
            {
                word.Append(c);
                begun = true;
            }
        }

        if (begun) words.Add(word.ToString());
        return words;
    }

    /// <summary>Whether a backslash takes the meaning from the character behind it.</summary>
    private static bool IsEscape(string text, int at, char quote) =>
        text[at] == '\\' && Path.DirectorySeparatorChar != '\\' && at + 1 < text.Length
        && (quote == '\0' || (quote == '"' && text[at + 1] is '"' or '\\' or '$' or '`'));

    private static string Escape(string path)
    {
        if (Path.DirectorySeparatorChar == '\\') return path.Contains(' ') ? $"\"{path}\"" : path;
        return string.Concat(path.Select(c => c is ' ' or '\\' or '\'' or '"' or '(' or ')' or '&' or ';' ? $"\\{c}" : c.ToString()));
    }
}
