using TinyMllm.Loaders.Images;

namespace TinyMllm.Cli.Support;

/// <summary>Files that the user named.</summary>
internal static class Inputs
{
    /// <summary>How the names of pictures end.</summary>
    public static readonly IReadOnlyList<string> PictureEndings =
        [".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".ppm", ".pgm", ".pbm", ".pnm"];

    /// <summary>Whether a file is a picture, by its name.</summary>
    public static bool IsPicture(string path) => PictureEndings.Contains(Path.GetExtension(path), StringComparer.OrdinalIgnoreCase);

    /// <summary>The path, if a file is there.</summary>
    /// <exception cref="UsageException">There is none.</exception>
    public static string Existing(string path) => File.Exists(path)
        ? path
        : throw new UsageException(Directory.Exists(path) ? $"{path} is a folder, not a file" : $"there is no file {path}");

    /// <summary>A picture.</summary>
    /// <param name="path">The file.</param>
    /// <param name="options">How it is decoded.</param>
    /// <exception cref="UsageException">There is no such file.</exception>
    /// <exception cref="ImageFormatException">It is no picture.</exception>
    public static RgbImage Picture(string path, ImageOptions options) => RgbImage.Load(Existing(path), options);

    /// <summary>The pictures of an option that may be repeated.</summary>
    public static RgbImage[] Pictures(string[]? paths, ImageOptions options) => [.. (paths ?? []).Select(path => Picture(path, options))];

    /// <summary>A text given on the command line, or in a file if it begins with <c>@</c>.</summary>
    public static string Text(string value) => value is ['@', ..] ? File.ReadAllText(Existing(value[1..])) : value;
}
