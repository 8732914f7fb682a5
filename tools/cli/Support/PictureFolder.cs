using TinyMllm.Loaders.Files;

namespace TinyMllm.Cli.Support;

/// <summary>The pictures of a folder, by their names.</summary>
/// <param name="Pictures">Paths relative to the folder, with <c>/</c>, in order.</param>
/// <param name="Unreadable">How many files look like pictures of a kind that cannot be read.</param>
internal sealed record PictureFolder(string[] Pictures, int Unreadable)
{
    /// <summary>Looks for pictures.</summary>
    /// <param name="folder">Where.</param>
    /// <param name="recursive">
    /// Whether to look into the folders below. Each is visited once, whatever links lead to it: first the folders that lie there
    /// themselves, then those that links lead to, so that a picture is found under its own name.
    /// </param>
    public static PictureFolder Find(string folder, bool recursive)
    {
        var visited = new HashSet<string>(OperatingSystem.IsLinux() ? StringComparer.Ordinal : StringComparer.OrdinalIgnoreCase);
        var visible = new EnumerationOptions { IgnoreInaccessible = true };
        var pictures = new List<string>();
        int unreadable = 0;
        Stack<string> folders = new([folder]);
        Queue<string> links = [];
        while (folders.TryPop(out string? current) || links.TryDequeue(out current))
        {
            if (!visited.Add(RealPath.Of(current))) continue;
            IEnumerable<FileSystemInfo> entries = new DirectoryInfo(current).EnumerateFileSystemInfos("*", visible);
            foreach (FileSystemInfo entry in entries.OrderBy(entry => entry.Name, StringComparer.Ordinal))
            {
                string path = Path.Combine(current, entry.Name);
                if (entry.Attributes.HasFlag(FileAttributes.Directory))
                {
                    if (!recursive) continue;
                    if (entry.LinkTarget is null) folders.Push(path);
                    else links.Enqueue(path);
                }
                else if (Inputs.IsPicture(path))
                {
                    pictures.Add(path);
                }
                else if (Inputs.UnreadableEndings.Contains(entry.Extension, StringComparer.OrdinalIgnoreCase))
                {
                    unreadable++;
                }
            }
        }

        return new PictureFolder([.. pictures.Select(path => Path.GetRelativePath(folder, path).Replace(Path.DirectorySeparatorChar, '/'))
            .Order(StringComparer.Ordinal)], unreadable);
    }
}
