using TinyMllm.Loaders.Files;
using TinyMllm.Loaders.Images;

namespace TinyMllm.ExtensionsAI;

/// <summary>
/// The pictures that file addresses may name: those below one folder, or none. Whoever writes a message chooses the address, and that is
/// seldom who runs the process; so nothing outside of the folder is touched, links are followed only as long as they stay in it, only
/// regular files are opened, and errors say nothing of what is in a file.
/// </summary>
/// <param name="folder">The folder; null refuses every file address.</param>
internal sealed class PictureFolder(string? folder)
{
    private readonly string? _folder = folder is null ? null : Path.GetFullPath(folder);

    /// <summary>Reads a picture.</summary>
    /// <param name="address">A file address.</param>
    /// <param name="options">How it is decoded.</param>
    /// <param name="cancellationToken">Ends the decoding.</param>
    /// <exception cref="NotSupportedException">No folder was named.</exception>
    /// <exception cref="UnauthorizedAccessException">The address is not below the folder, or does not lead to a regular file.</exception>
    /// <exception cref="IOException">There is no such file, or it cannot be read.</exception>
    /// <exception cref="ImageFormatException">The file is no picture.</exception>
    public RgbImage Read(Uri address, ImageOptions options, CancellationToken cancellationToken)
    {
        if (_folder is null)
        {
                throw new NotSupportedException(
                    "pictures are not read from file: addresses: give the bytes (DataContent), or name the folder that they may come from "
                    + $"({nameof(ModelOptions)}.{nameof(ModelOptions.PictureFolder)})");
        }

        using var file = new FileStream(Find(address, _folder), FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        try
        {
            return RgbImage.Decode(file, options, cancellationToken);
        }
        catch (ImageFormatException)
        {
            // The decoder's words name the first bytes. They are not passed on, nor kept as the inner exception.
            throw new ImageFormatException($"{address.OriginalString}: not a picture that can be read");
        }
    }

    /// <summary>The file that an address names, all links resolved.</summary>
    private static string Find(Uri address, string folder)
    {
        UnauthorizedAccessException Refused(string why) => new($"{address.OriginalString}: {why}");
        if (address.IsUnc || !IsPlain(address.LocalPath)) throw Refused("not below the folder that pictures are read from");

        // The words of the address come first: what is outside of the folder is not even looked for.
        string real = RealPath.Of(folder), path = Path.GetFullPath(address.LocalPath);
        if (!IsBelow(path, folder) && !IsBelow(path, real)) throw Refused("not below the folder that pictures are read from");
        string found = RealPath.Of(path);
        if (!IsBelow(found, real)) throw Refused("a link leads out of the folder that pictures are read from");
        return FileKinds.Of(found) switch
        {
            FileKind.Regular => found,
            FileKind.Missing => throw new FileNotFoundException($"{address.OriginalString}: there is no such file"),
            var kind => throw Refused($"{kind.Describe()}, not a file"),
        };
    }

    /// <summary>True for a path that names a file and nothing of it; Windows has streams within files, behind a colon.</summary>
    private static bool IsPlain(string path) =>
        !path.Contains('\0') && (!OperatingSystem.IsWindows() || path.LastIndexOf(':') <= 1);

    private static bool IsBelow(string path, string folder)
    {
        string relative = Path.GetRelativePath(folder, path);
        return relative is not ("." or "..") && !Path.IsPathRooted(relative)
            && !relative.StartsWith(".." + Path.DirectorySeparatorChar, StringComparison.Ordinal);
    }
}
