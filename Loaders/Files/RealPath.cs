namespace TinyMllm.Loaders.Files;

/// <summary>Paths without symbolic links: two names of one place in the file system have the same real path.</summary>
internal static class RealPath
{
    /// <summary>Systems give up at 40 links as well.</summary>
    private const int MostLinks = 40;

    /// <summary>
    /// The full path with every link resolved, those of folders included. <see cref="File.ResolveLinkTarget"/> looks at the last name
    /// only, and <see cref="Path.GetFullPath(string)"/> takes <c>link/..</c> for the folder that holds the link.
    /// </summary>
    /// <param name="path">A path; what it names need not exist.</param>
    /// <exception cref="IOException">The links lead in a circle.</exception>
    public static string Of(string path)
    {
        // Windows resolves ".." before it looks at links, other systems name by name.
        string full = OperatingSystem.IsWindows() ? Path.GetFullPath(path) : Path.Combine(Directory.GetCurrentDirectory(), path);
        string real = Path.GetPathRoot(full)!;
        var names = new Stack<string>();
        Push(names, full[real.Length..]);
        int links = 0;
        while (names.TryPop(out string? name))
        {
            if (name is "" or ".") continue;
            if (name == "..")
            {
                real = Path.GetDirectoryName(real) ?? real;
                continue;
            }

            string next = Path.Combine(real, name);
            if (LinkTarget(next) is not { } target)
            {
                real = next;
                continue;
            }

            if (++links > MostLinks) throw new IOException($"{path}: its symbolic links lead in a circle");
            if (Path.IsPathFullyQualified(target)) real = Path.GetPathRoot(target)!;
            Push(names, Path.IsPathFullyQualified(target) ? target[real.Length..] : target);
        }

        return real;
    }

    private static void Push(Stack<string> names, string path)
    {
        foreach (string name in path.Split(Path.DirectorySeparatorChar, Path.AltDirectorySeparatorChar).Reverse()) names.Push(name);
    }

    private static string? LinkTarget(string path)
    {
        try
        {
            return new FileInfo(path).LinkTarget;
        }
        catch (Exception hidden) when (hidden is IOException or UnauthorizedAccessException)
        {
            return null; // Who may not look cannot go there either: opening it will say so.
        }
    }
}
