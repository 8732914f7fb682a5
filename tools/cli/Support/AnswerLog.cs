using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using TinyMllm.Loaders.Files;

namespace TinyMllm.Cli.Support;

/// <summary>
/// Answers about pictures as JSON lines: <c>{"file", "prompt", "answer", "tokens", "seconds", "model", "mmproj", "options", "key"}</c>, or
/// <c>"error"</c> instead of the answer. Each line is handed to the system before the next picture begins. One process at a time writes to
/// a file; when it is opened again, a line that an interruption cut off is dropped, and nothing else ever is.
/// </summary>
internal sealed class AnswerLog : IDisposable
{
    /// <summary>How every line begins.</summary>
    private static ReadOnlySpan<byte> Beginning => "{\"file\":\""u8;

    private readonly string? _path;
    private readonly FileStream? _file;
    private readonly TextWriter? _standard;
    private readonly Dictionary<(string File, string Key), string?> _known = [];

    /// <summary>Goes on with a file, or begins it.</summary>
    private AnswerLog(string path)
    {
        _path = path;
        OutputFile.CheckKind(path);
        Inputs.RefuseStandardOutput(path);
        if (Path.GetDirectoryName(Path.GetFullPath(path)) is { } folder) Directory.CreateDirectory(folder);
        _file = OpenAlone(path);
        try
        {
            GoToEnd(_file);
        }
        catch
        {
            _file.Dispose();
            throw;
        }
    }

    /// <summary>Writes to a stream.</summary>
    private AnswerLog(TextWriter standard) => _standard = standard;

    /// <summary>Opens a log.</summary>
    /// <param name="path">A file to go on with; null writes to the given stream.</param>
    /// <param name="standard">The stream.</param>
    /// <exception cref="UsageException">Another process writes to the file, or not all of its lines are from this command.</exception>
    public static AnswerLog Open(string? path, TextWriter standard) => path is null ? new AnswerLog(standard) : new AnswerLog(path);

    /// <summary>Whether a picture has its answer from such a run.</summary>
    public bool Has(DescribeRun run, string file) => _known.TryGetValue((file, run.Key), out string? error) && error is null;

    public void Add(DescribeRun run, string file, GenerationResult result) => Write(run, file, json =>
    {
        json.WriteString("answer", result.Text);
        json.WriteNumber("tokens", result.Usage.GeneratedTokens);
        json.WriteNumber("seconds", Math.Round((result.Timings.FirstToken + result.Timings.Generation).TotalSeconds, 3));
    });

    /// <summary>Adds an error, unless the log says the same already.</summary>
    public void AddFailure(DescribeRun run, string file, string error)
    {
        if (_known.GetValueOrDefault((file, run.Key)) != error) Write(run, file, json => json.WriteString("error", error));
    }

    public void Dispose() => _file?.Dispose();

    /// <summary>
    /// Opens the file so that no other process writes to it. On Windows a writer that shares for reading is alone as a writer, and others
    /// may look on. Elsewhere such a share is no lock between writers, but the exclusive one keeps no other program from reading.
    /// </summary>
    private static FileStream OpenAlone(string path)
    {
        try
        {
            FileShare share = OperatingSystem.IsWindows() ? FileShare.Read : FileShare.None;
            return new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, share, bufferSize: 0);
        }
        catch (IOException failure) when (FileLock.IsTaken(failure))
        {
            throw new UsageException($"another program is writing to {path}; let it end first, or give another file");
        }
    }

    private void Write(DescribeRun run, string file, Action<Utf8JsonWriter> fields)
    {
        using var line = new MemoryStream();
        using (var json = new Utf8JsonWriter(line, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            json.WriteStartObject();
            json.WriteString("file", file);
            json.WriteString("prompt", run.Prompt);
            fields(json);
            json.WriteString("model", run.Model);
            json.WriteString("mmproj", run.Projector);
            json.WriteStartObject("options");
            foreach ((string name, string value) in run.Options) json.WriteString(name, value);
            json.WriteEndObject();
            json.WriteString("key", run.Key);
            json.WriteEndObject();
        }

        line.WriteByte((byte)'\n');
        ReadOnlySpan<byte> bytes = line.GetBuffer().AsSpan(0, (int)line.Length);
        if (_file is not null) _file.Write(bytes);
        else _standard!.Write(Encoding.UTF8.GetString(bytes));
    }

    /// <summary>Reads the lines, and leaves the file where the next one goes.</summary>
    private void GoToEnd(FileStream file)
    {
        byte[] bytes = new byte[file.Length];
        file.ReadExactly(bytes);
        int end = 0, number = 1;
        for (int next; (next = Array.IndexOf(bytes, (byte)'\n', end)) >= 0; end = next + 1, number++)
        {
            ReadOnlyMemory<byte> line = bytes.AsMemory(end, next - end);
            if (!line.Span.Trim(" \t\r"u8).IsEmpty && !Remember(line)) throw Foreign(number);
        }

        ReadOnlyMemory<byte> last = bytes.AsMemory(end);
        if (last.IsEmpty) return;
        if (Remember(last)) file.Write("\n"u8); // Whole but for its line break.
        else if (last.Span.StartsWith(Beginning) || (end > 0 && Beginning.StartsWith(last.Span))) file.SetLength(end);
        else throw Foreign(number);
        file.Position = file.Length;
    }

    /// <summary>Takes in a line; false if it is not one of ours.</summary>
    private bool Remember(ReadOnlyMemory<byte> line)
    {
        try
        {
            using var document = JsonDocument.Parse(line);
            JsonElement root = document.RootElement;
            string file = root.GetProperty("file").GetString() ?? throw new JsonException();
            string key = root.TryGetProperty("key", out JsonElement run) ? run.GetString() ?? "" : ""; // Older versions wrote none.
            string? error = root.TryGetProperty("answer", out _) ? null : root.GetProperty("error").GetString();
            _known[(file, key)] = error;
            return true;
        }
        catch (Exception broken) when (broken is JsonException or KeyNotFoundException or InvalidOperationException)
        {
            return false;
        }
    }

    private UsageException Foreign(int line) => new($"{_path}, line {line}: it is not from this command; give another file");
}
