using TinyMllm.Loaders.Files;
using TinyMllm.Loaders.Images;

namespace TinyMllm.Cli.Support;

/// <summary>Files that the user named.</summary>
internal static class Inputs
{
    /// <summary>How the names of pictures end.</summary>
    public static readonly IReadOnlyList<string> PictureEndings =
        [".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".jif", ".bmp", ".dib", ".gif", ".webp", ".ppm", ".pgm", ".pbm", ".pnm"];

    /// <summary>How the names of pictures end that no decoder here reads.</summary>
    public static readonly IReadOnlyList<string> UnreadableEndings =
        [".tif", ".tiff", ".heic", ".heif", ".avif", ".jxl", ".jp2", ".svg", ".psd", ".ico", ".tga", ".dng", ".cr2", ".nef", ".arw"];

    /// <summary>Whether a file is a picture, by its name.</summary>
    public static bool IsPicture(string path) => PictureEndings.Contains(Path.GetExtension(path), StringComparer.OrdinalIgnoreCase);

    /// <summary>The path, if a file is there.</summary>
    /// <exception cref="UsageException">There is none.</exception>
    public static string Existing(string path)
    {
        if (Directory.Exists(path)) throw new UsageException($"{path} is a folder, not a file");
        if (!File.Exists(path)) throw new UsageException($"there is no file {path}");
        RefuseStandardOutput(path);
        return path;
    }

    /// <summary>Refuses to read the file that standard output goes to: <c>eval --set q.jsonl --json >> q.jsonl</c>.</summary>
    /// <exception cref="UsageException">It is.</exception>
    public static void RefuseStandardOutput(string path)
    {
        if (StandardStreams.OutputFile() is { } output && RealPath.Of(output) == RealPath.Of(path))
            throw new UsageException($"standard output goes to {path}, which is read here: send it to another file");
    }

    /// <summary>A picture.</summary>
    /// <param name="path">The file.</param>
    /// <param name="options">How it is decoded.</param>
    /// <exception cref="UsageException">There is no such file.</exception>
    /// <exception cref="ImageFormatException">It is no picture.</exception>
    public static RgbImage Picture(string path, ImageOptions options) => RgbImage.Load(Existing(path), options);

    /// <summary>A picture that the user did not name himself: a pipe in a folder would wait for ever.</summary>
    /// <param name="path">The file.</param>
    /// <param name="options">How it is decoded.</param>
    /// <param name="cancellationToken">Takes effect within a row of pixels.</param>
    /// <exception cref="UsageException">It is no file.</exception>
    /// <exception cref="ImageFormatException">It is no picture.</exception>
    public static RgbImage FoundPicture(string path, ImageOptions options, CancellationToken cancellationToken = default) =>
        FileKinds.Of(path) is FileKind.Regular or FileKind.Missing
        ? RgbImage.Load(path, options, cancellationToken)
        : throw new UsageException($"{path}: it is {FileKinds.Of(path).Describe()}, not a file");

    /// <summary>The pictures of an option that may be repeated.</summary>
    public static RgbImage[] Pictures(string[]? paths, ImageOptions options) => [.. (paths ?? []).Select(path => Picture(path, options))];

    /// <summary>A text given on the command line, or in a file if it begins with <c>@</c>.</summary>
    public static string Text(string value) => value is ['@', ..] ? File.ReadAllText(Existing(value[1..])) : value;
}
