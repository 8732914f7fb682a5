using System.Text.Json;

namespace TinyMllm.Cli.Support;

/// <summary>A question with its right answers.</summary>
/// <param name="Image">Path of the picture, or null.</param>
/// <param name="Kind">Kind of question.</param>
/// <param name="Question">The question.</param>
/// <param name="Answers">What counts as right.</param>
internal sealed record EvalQuestion(string? Image, string Kind, string Question, IReadOnlyList<string> Answers)
{
    /// <summary>Reads a set: a JSONL file, or <c>demo</c> for the demo model's card.</summary>
    /// <exception cref="UsageException">A line is not a question.</exception>
    public static EvalQuestion[] Load(string set)
    {
        if (set == "demo") return [
            .. DemoFiles.Card.Select(
            row => new EvalQuestion(DemoFiles.Find().Sample(row.Picture), row.Question, row.Question, [row.Answer]))];
        if (!File.Exists(set)) throw new UsageException($"there is no file {set}");
        string folder = Path.GetDirectoryName(Path.GetFullPath(set))!;
        EvalQuestion[] questions =
            [.. File.ReadLines(set).Select((line, i) => (line, i)).Where(item => item.line.Trim().Length > 0)
            .Select(item => Parse(item.line, item.i + 1, set, folder))];
        return questions.Length > 0 ? questions : throw new UsageException($"{set} has no questions");
    }

    /// <summary>Whether an answer is right: equal but for case, blanks around it and a full stop.</summary>
    public bool Accepts(string answer) => Answers.Any(right => Plain(right).Equals(Plain(answer), StringComparison.OrdinalIgnoreCase));

    private static string Plain(string text) => text.Trim().TrimEnd('.').Trim();

    private static EvalQuestion Parse(string line, int number, string set, string folder)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(line);
            JsonElement root = document.RootElement, answer = root.GetProperty("answer");
            string[] answers = answer.ValueKind == JsonValueKind.Array ? [.. answer.EnumerateArray().Select(item => item.GetString()!)]
                : [answer.GetString()!];
            string? image = root.TryGetProperty("image", out JsonElement path) ? path.GetString() : null;
            string kind = root.TryGetProperty("kind", out JsonElement name) ? name.GetString()! : "questions";
            return new EvalQuestion(image is null ? null : Path.Combine(folder, image), kind, root.GetProperty("question").GetString()!,
                answers);
        }
        catch (Exception broken) when (broken is JsonException or KeyNotFoundException or InvalidOperationException)
        {
            throw new UsageException(
                $"{set}, line {number}: expected {{\"image\", \"question\", \"answer\"}} ({broken.Message.ReplaceLineEndings(" ")})");
        }
    }
}
