namespace TinyMllm.Loaders.Files;

/// <summary>
/// A file that appears whole or not at all. The bytes go to a neighbour with a name of its own, which takes the file's name when
/// everything is written and lies on the disk. What must not be lost is refused before the first byte and again before the last step:
/// <list type="bullet">
/// <item>what is neither a regular file nor a link to one: a rename would turn <c>/dev/null</c> into a file;</item>
/// <item>a write-protected file, which a rename would replace all the same;</item>
/// <item>a source of the work, whatever name it goes by.</item>
/// </list>
/// A link is followed, as redirection in a shell does: the file at its end is replaced, and the link stays.
/// </summary>
/// <remarks>
/// Whether a file is a source is asked twice. Real paths are compared, which works everywhere but does not see through bind mounts,
/// short names on Windows and file systems that ignore case. So the file is also opened exclusively while all sources are open: that
/// goes by the file and not by its name. It refuses a hard link of a source as well, which need not be: a rename replaces one name only,
/// and the source keeps its bytes under its own.
/// </remarks>
internal sealed class OutputFile : IDisposable
{
    private const int BufferBytes = 1 << 20;
    private const int LongestStem = 100; // Names may take 255 bytes.

    private readonly string _path;
    private readonly string[] _sources;
    private readonly string _temporary;
    private bool _moved;

    private OutputFile(string path, string[] sources)
    {
        (_path, _sources) = (path, sources);
        string target = Check(path, sources), name = Path.GetFileName(target), stem = name[..Math.Min(name.Length, LongestStem)];
        _temporary = Path.Combine(Path.GetDirectoryName(target)!, $"{stem}.{Path.GetRandomFileName()}.tmp");
        try
        {
            Stream = new FileStream(_temporary, FileMode.CreateNew, FileAccess.Write, FileShare.None, BufferBytes);
        }
        catch (DirectoryNotFoundException failure)
        {
            throw new DirectoryNotFoundException($"{path}: there is no such folder", failure);
        }
        catch (UnauthorizedAccessException failure)
        {
            throw new UnauthorizedAccessException($"{path}: its folder must not be written to", failure);
        }
    }

    /// <summary>Where the bytes go.</summary>
    public FileStream Stream { get; }

    /// <summary>Begins a file.</summary>
    /// <param name="path">Its name.</param>
    /// <param name="sources">Files that the bytes come from: none of them may be replaced.</param>
    /// <exception cref="IOException">It must not be replaced, or cannot be created.</exception>
    public static OutputFile Create(string path, params string[] sources) => new(path, sources);

    /// <summary>Writes a file.</summary>
    /// <param name="path">Its name.</param>
    /// <param name="write">Writes the bytes; if it throws, nothing is left behind.</param>
    /// <param name="sources">Files that the bytes come from: none of them may be replaced.</param>
    /// <exception cref="IOException">It must not be replaced, or cannot be written.</exception>
    public static void Write(string path, Action<FileStream> write, params string[] sources)
    {
        using OutputFile file = Create(path, sources);
        write(file.Stream);
        file.Commit();
    }

    /// <summary>Gives a finished file another name in its folder, in place of the file or link there. Links are not followed.</summary>
    /// <exception cref="IOException">What has the name now is not a file.</exception>
    public static void Move(string finished, string path)
    {
        CheckKind(path);
        File.Move(finished, path, overwrite: true);
    }

    /// <summary>Refuses what is there and is neither a regular file nor a link to one.</summary>
    /// <exception cref="IOException">It is a device, a pipe, a folder or the like.</exception>
    /// <returns>Whether a file is there.</returns>
    public static bool CheckKind(string path)
    {
        FileKind kind = FileKinds.Of(path);
        if (kind == FileKind.Missing && Path.EndsInDirectorySeparator(path)) kind = FileKind.Folder;
        return kind is FileKind.Missing or FileKind.Regular
            ? kind == FileKind.Regular
            : throw new IOException($"{path} is {kind.Describe()}; give the name of a file");
    }

    /// <summary>The file that a path names at the end of its links, if it may be replaced.</summary>
    /// <exception cref="IOException">It must not be replaced.</exception>
    public static string Check(string path, params string[] sources)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        string target = RealPath.Of(path);
        bool exists = CheckKind(path);
        foreach (string source in sources)
            if (RealPath.Of(source) == target) throw IsSource(path, source);
        if (!exists) return target;
        if (File.GetAttributes(target).HasFlag(FileAttributes.ReadOnly)) throw new IOException($"{path} is write-protected");
        if (sources.Length > 0) Probe(path, target, sources);
        return target;
    }

    /// <summary>Everything is written: the file gets its name.</summary>
    /// <exception cref="IOException">It must not be replaced any more, or cannot be.</exception>
    public void Commit()
    {
        string target = Check(_path, _sources);
        Stream.Flush(flushToDisk: true);
        Stream.Dispose();
        if (!OperatingSystem.IsWindows() && File.Exists(target)) File.SetUnixFileMode(_temporary, File.GetUnixFileMode(target));
        File.Move(_temporary, target, overwrite: true);
        _moved = true;
    }

    /// <summary>Closes the file; unless it was committed, nothing of it is left.</summary>
    public void Dispose()
    {
        if (_moved) return;
        try
        {
            Stream.Dispose(); // A full disk is reported once more here, where bytes were still in the buffer.
        }
        catch (IOException)
        {
        }

        File.Delete(_temporary);
        _moved = true;
    }

    /// <summary>Opens the target exclusively while the sources are open.</summary>
    private static void Probe(string path, string target, string[] sources)
    {
        var open = new List<IDisposable>();
        try
        {
            foreach (string source in sources.Where(source => FileKinds.Of(source) == FileKind.Regular))
                open.Add(File.OpenHandle(source, FileMode.Open, FileAccess.Read, FileShare.Read));
            using FileStream probe = new(target, FileMode.Open, FileAccess.Read, FileShare.None);
        }
        catch (IOException failure) when (FileLock.IsTaken(failure))
        {
            throw new IOException(
                $"{path} is in use: it is a file that is read here, by another name, or another program has it open", failure);
        }
        catch (UnauthorizedAccessException)
        {
            // Not to be read by this user: the paths have to do.
        }
        finally
        {
            foreach (IDisposable handle in open) handle.Dispose();
        }
    }

    private static IOException IsSource(string path, string source) => path == source
        ? new IOException($"{path} is read here: the output must be another file")
        : new IOException($"{path} is {source}, which is read here: the output must be another file");
}
