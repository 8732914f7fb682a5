using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace TinyMllm.Cli.Support;

/// <summary>
/// Answers about pictures as JSON lines: <c>{"file", "prompt", "answer", "tokens", "seconds"}</c>, or <c>"error"</c> instead of the answer.
/// Each line is
/// on the disk before the next picture begins; a line that an interruption cut off is dropped when the file is opened again.
/// </summary>
internal sealed class AnswerLog : IDisposable
{
    private readonly TextWriter _output;
    private readonly bool _owned;
    private readonly Dictionary<(string File, string Prompt), string?> _known;

    /// <param name="output">Where lines go.</param>
    /// <param name="owned">Whether to close it.</param>
    /// <param name="known">What earlier lines say: an error, or null where there is an answer.</param>
    private AnswerLog(TextWriter output, bool owned, Dictionary<(string, string), string?> known) =>
        (_output, _owned, _known) = (output, owned, known);

    /// <summary>Opens a log.</summary>
    /// <param name="path">A file to go on with; null writes to the given stream.</param>
    /// <param name="standard">The stream.</param>
    public static AnswerLog Open(string? path, TextWriter standard)
    {
        if (path is null) return new AnswerLog(standard, false, []);
        Dictionary<(string, string), string?> known = [];
        if (Path.GetDirectoryName(Path.GetFullPath(path)) is { } folder) Directory.CreateDirectory(folder);
        var stream = new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.Read);
        stream.SetLength(ReadComplete(stream, known));
        stream.Position = stream.Length;
        return new AnswerLog(new StreamWriter(stream, new UTF8Encoding(false)) { NewLine = "\n" }, true, known);
    }

    /// <summary>Whether this question about this picture was answered.</summary>
    public bool Has(string file, string prompt) => _known.TryGetValue((file, prompt), out string? error) && error is null;

    public void Add(string file, string prompt, GenerationResult result) => Write(file, prompt, json =>
    {
        json.WriteString("answer", result.Text);
        json.WriteNumber("tokens", result.Usage.GeneratedTokens);
        json.WriteNumber("seconds", Math.Round((result.Timings.FirstToken + result.Timings.Generation).TotalSeconds, 3));
    });

    /// <summary>Adds an error, unless the log says the same already.</summary>
    public void AddFailure(string file, string prompt, string error)
    {
        if (_known.GetValueOrDefault((file, prompt)) != error) Write(file, prompt, json => json.WriteString("error", error));
    }

    public void Dispose()
    {
        if (_owned) _output.Dispose();
    }

    private void Write(string file, string prompt, Action<Utf8JsonWriter> fields)
    {
        using var memory = new MemoryStream();
        using (var json = new Utf8JsonWriter(memory, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            json.WriteStartObject();
            json.WriteString("file", file);
            json.WriteString("prompt", prompt);
            fields(json);
            json.WriteEndObject();
        }

        _output.WriteLine(Encoding.UTF8.GetString(memory.GetBuffer(), 0, (int)memory.Length));
        _output.Flush();
    }

    /// <summary>Reads the complete lines and returns where they end.</summary>
    private static long ReadComplete(Stream stream, Dictionary<(string, string), string?> known)
    {
        byte[] bytes = new byte[stream.Length];
        stream.ReadExactly(bytes);
        int end = 0;
        for (int next; (next = Array.IndexOf(bytes, (byte)'\n', end)) >= 0; end = next + 1)
        {
            ReadOnlyMemory<byte> line = bytes.AsMemory(end, next - end);
            if (line.Span.Trim(" \t\r"u8).IsEmpty) continue;
            try
            {
                using JsonDocument document = JsonDocument.Parse(line);
                JsonElement root = document.RootElement;
                known[(root.GetProperty("file").GetString()!, root.GetProperty("prompt").GetString()!)] =
                    root.TryGetProperty("answer", out _) ? null : root.GetProperty("error").GetString();
            }
            catch (Exception broken) when (broken is JsonException or KeyNotFoundException or InvalidOperationException)
            {
                throw new UsageException(
                    $"line {bytes.AsSpan(0, end).Count((byte)'\n') + 1} of the output file is not from this command; give another file");
            }
        }

        return end;
    }
}
