using System.Formats.Tar;

namespace TinyMllm.Loaders.Files;

/// <summary>What a path leads to.</summary>
internal enum FileKind
{
    /// <summary>Nothing is there.</summary>
    Missing,

    /// <summary>A file with bytes on a disk.</summary>
    Regular,

    /// <summary>A folder.</summary>
    Folder,

    /// <summary>A device, such as a terminal or <c>/dev/null</c>.</summary>
    Device,

    /// <summary>A pipe, named or not.</summary>
    Pipe,

    /// <summary>A socket, or something else that is no file.</summary>
    Other,
}

/// <summary>Tells files from pipes and devices without opening them: opening a named pipe waits for its other end.</summary>
internal static class FileKinds
{
    /// <summary>What is at the end of a path's links.</summary>
    public static FileKind Of(string path)
    {
        if (OperatingSystem.IsWindows() && Path.GetFullPath(path).StartsWith(@"\\.\", StringComparison.Ordinal)) return FileKind.Device;
        string real = RealPath.Of(path);
        if (Directory.Exists(real)) return FileKind.Folder;
        if (!File.Exists(real))
        {
            // What /proc/self/fd links to need not have a name: "pipe:[123]".
            return real.StartsWith("/proc/", StringComparison.Ordinal) ? FileKind.Pipe : FileKind.Missing;
        }

        return OperatingSystem.IsWindows() || new FileInfo(real).Length > 0 ? FileKind.Regular : OfEmpty(real);
    }

    /// <summary>In words.</summary>
    public static string Describe(this FileKind kind) => kind switch
    {
        FileKind.Missing => "nothing",
        FileKind.Regular => "a file",
        FileKind.Folder => "a folder",
        FileKind.Device => "a device",
        FileKind.Pipe => "a pipe",
        _ => "neither a file nor a folder",
    };

    /// <summary>
    /// What something of no length is. .NET keeps the type of a file to itself, but for the tar writer, which asks the system for it and
    /// puts it into the entry's header.
    /// </summary>
    private static FileKind OfEmpty(string path)
    {
        using var archive = new MemoryStream();
        try
        {
            using (var writer = new TarWriter(archive, TarEntryFormat.Pax, leaveOpen: true)) writer.WriteEntry(path, "entry");
        }
        catch (IOException failure)
        {
            return FileLock.IsTaken(failure) ? FileKind.Regular : FileKind.Other; // Sockets have no place in an archive.
        }
        catch (UnauthorizedAccessException)
        {
            return FileKind.Regular; // It tried to open it, as it does with files only.
        }

        archive.Position = 0;
        using var reader = new TarReader(archive);
        return reader.GetNextEntry()?.EntryType switch
        {
            TarEntryType.RegularFile => FileKind.Regular,
            TarEntryType.Fifo => FileKind.Pipe,
            TarEntryType.CharacterDevice or TarEntryType.BlockDevice => FileKind.Device,
            _ => FileKind.Other,
        };
    }
}
