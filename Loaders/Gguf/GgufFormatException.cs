namespace TinyMllm.Loaders.Gguf;

/// <summary>
/// A GGUF file is damaged, or lacks what its reader needs. The message names file, key or tensor, what was found and what was
/// expected.
/// </summary>
public sealed class GgufFormatException : TinyMllmException
{
    /// <summary>Builds the one-line message <c>file: subject: found …, expected …</c>.</summary>
    /// <param name="file">Path of the file.</param>
    /// <param name="subject">What was being read, such as <c>tensor 'output.weight'</c> or <c>key 'general.alignment'</c>.</param>
    /// <param name="found">What is there.</param>
    /// <param name="expected">What should be there.</param>
    public GgufFormatException(string file, string subject, string found, string expected)
        : base(TinyMllmErrorKind.InvalidModelFile, $"{file}: {subject}: found {found}, expected {expected}")
    {
        File = file;
        Subject = subject;
    }

    /// <summary>Path of the file.</summary>
    public string File { get; }

    /// <summary>The key, tensor or part of the header that is at fault.</summary>
    public string Subject { get; }

    /// <summary>Quotes a text from a file so that it fits one line: no control characters, 80 characters at most.</summary>
    internal static string Quote(string text)
    {
        Span<char> line = stackalloc char[Math.Min(text.Length, 80)];
        for (int i = 0; i < line.Length; i++) line[i] = char.IsControl(text[i]) || char.IsSurrogate(text[i]) ? '?' : text[i];
        return text.Length > line.Length ? $"'{line}…'" : $"'{line}'";
    }
}
