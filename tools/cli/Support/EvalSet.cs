using System.IO.Compression;
using System.Text.Json;
using TinyMllm.Loaders.Images;

namespace TinyMllm.Cli.Support;

/// <summary>A question with its right answers.</summary>
/// <param name="Image">Name of the picture within its set, or null.</param>
/// <param name="Part">Part of the set that it belongs to, or null.</param>
/// <param name="Kind">Kind of question.</param>
/// <param name="Question">The question.</param>
/// <param name="Answers">What counts as right.</param>
internal sealed record EvalQuestion(string? Image, string? Part, string Kind, string Question, IReadOnlyList<string> Answers)
{
    /// <summary>Whether an answer is right: equal but for case, blanks around it and a full stop.</summary>
    public bool Accepts(string answer) => Answers.Any(right => Plain(right).Equals(Plain(answer), StringComparison.OrdinalIgnoreCase));

    private static string Plain(string text) => text.Trim().TrimEnd('.').Trim();
}

/// <summary>
/// Questions about pictures. On disk: a JSONL file with the pictures beside it, or a zip archive of both (the questions in
/// <c>questions.jsonl</c>).
/// </summary>
internal sealed class EvalSet : IDisposable
{
    private const string QuestionsEntry = "questions.jsonl";

    private readonly string _path;
    private readonly ZipArchive? _archive;

    private EvalSet(string path, ZipArchive? archive) => (_path, _archive) = (path, archive);

    public EvalQuestion[] Questions { get; private set; } = [];

    /// <summary>Whether any question is about a picture.</summary>
    public bool HasPictures => Questions.Any(question => question.Image is not null);

    /// <summary>Opens a set: a path, or <c>demo</c> for the held-out set of the demo model.</summary>
    /// <exception cref="UsageException">There is no such file, a line is not a question, or there is none.</exception>
    public static EvalSet Open(string set)
    {
        string path = set == "demo" ? DemoFiles.Find().HeldOut : set;
        Inputs.Existing(path);
        var opened = new EvalSet(path, path.EndsWith(".zip", StringComparison.OrdinalIgnoreCase) ? OpenArchive(path) : null);
        try
        {
            opened.Questions = [.. opened.ReadLines().Select((line, i) => (line, i)).Where(item => item.line.Trim().Length > 0)
                .Select(item => Parse(item.line, item.i + 1, path))];
            return opened.Questions.Length > 0 ? opened : throw new UsageException($"{path} has no questions");
        }
        catch
        {
            opened.Dispose();
            throw;
        }
    }

    /// <summary>The picture of a question, or null when it has none.</summary>
    /// <param name="question">The question.</param>
    /// <param name="options">How it is decoded.</param>
    /// <exception cref="UsageException">The archive lacks it.</exception>
    /// <exception cref="ImageFormatException">It cannot be read.</exception>
    public RgbImage? Picture(EvalQuestion question, ImageOptions options)
    {
        if (question.Image is not { } name) return null;
        string beside = Path.GetDirectoryName(Path.GetFullPath(_path))!;
        if (_archive is null) return Inputs.FoundPicture(Path.Combine(beside, name), options);
        return Read(name, stream =>
        {
            try
            {
                return RgbImage.Decode(stream, options);
            }
            catch (ImageFormatException broken)
            {
                throw new ImageFormatException($"{_path}, {name}: {broken.Message}", broken);
            }
        });
    }

    public void Dispose() => _archive?.Dispose();

    private static ZipArchive OpenArchive(string path)
    {
        try
        {
            return ZipFile.OpenRead(path);
        }
        catch (InvalidDataException broken)
        {
            throw new UsageException($"{path} is not a zip archive: {broken.Message.ReplaceLineEndings(" ")}");
        }
    }

    private string[] ReadLines()
    {
        if (_archive is null) return File.ReadAllLines(_path);
        return Read(QuestionsEntry, stream => new StreamReader(stream).ReadToEnd()).Split('\n');
    }

    private TResult Read<TResult>(string name, Func<Stream, TResult> read)
    {
        try
        {
            using Stream stream = (_archive!.GetEntry(name) ?? throw new UsageException($"{_path} has no {name}")).Open();
            return read(stream);
        }
        catch (InvalidDataException broken)
        {
            throw new UsageException($"{_path}, {name}: {broken.Message.ReplaceLineEndings(" ")}");
        }
    }

    private static EvalQuestion Parse(string line, int number, string set)
    {
        try
        {
            using var document = JsonDocument.Parse(line);
            JsonElement root = document.RootElement, answer = root.GetProperty("answer");
            string[] answers = answer.ValueKind == JsonValueKind.Array ? [.. answer.EnumerateArray().Select(item => item.GetString()!)]
                : [answer.GetString()!];
            string? Optional(string key) => root.TryGetProperty(key, out JsonElement value) ? value.GetString() : null;
            return new EvalQuestion(Optional("image"), Optional("part"), Optional("kind") ?? "questions", root.GetProperty("question").GetString()!,
                answers);
        }
        catch (Exception broken) when (broken is JsonException or KeyNotFoundException or InvalidOperationException)
        {
            throw new UsageException(
                $"{set}, line {number}: expected {{\"image\", \"question\", \"answer\"}} ({broken.Message.ReplaceLineEndings(" ")})");
        }
    }
}
