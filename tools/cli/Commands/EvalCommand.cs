using System.CommandLine;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Spectre.Console;
using TinyMllm.Cli.Support;
using TinyMllm.Loaders.Images;

namespace TinyMllm.Cli.Commands;

/// <summary><c>eval --set FILE</c>: how many questions of a set a model answers rightly, per kind of question.</summary>
internal sealed class EvalCommand : CliCommand
{
    private readonly ModelArguments _model = new();
    private readonly AnswerArguments _answer = new(tokens: 32);
    private readonly Option<string> _set = new("--set")
    {
        Description = "A JSONL file of {\"image\", \"question\", \"answer\", \"kind\"}: paths relative to it, answer a text or a list of right ones, kind as you like; or 'demo', the demo model's card.",
        HelpName = "FILE", Required = true,
    };

    private readonly Option<bool> _json = new("--json") { Description = "Print JSON, every answer included." };

    public EvalCommand(Terminal terminal, Interrupts interrupts)
        : base("eval", "Count right answers over a set of questions about pictures.", terminal, interrupts)
    {
        _model.AddTo(this);
        Add(_set);
        Add(_json);
        _answer.AddTo(this);
    }

    public override IReadOnlyList<string> Examples =>
    [
        "tinymllm eval -m demo --set demo",
        "tinymllm eval -m model-q4_k_m.gguf --mmproj mmproj.gguf --set questions.jsonl --json > q4_k_m.json",
    ];

    public override async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellation)
    {
        GenerationOptions options = _answer.Options(parsed);
        EvalQuestion[] questions = EvalQuestion.Load(parsed.GetRequiredValue(_set));
        using VisionLanguageModel model = await _model.LoadAsync(parsed, Terminal, cancellation).ConfigureAwait(false);
        var outcomes = await ProgressBars.RunAsync<int,
            List<(EvalQuestion Question, string Answer)>>(Terminal, "asking", done => (done, questions.Length),
            progress => AskAsync(model, questions, options, progress, cancellation)).ConfigureAwait(false);
        if (parsed.GetValue(_json)) WriteJson(outcomes);
        else Show(outcomes);
        return outcomes.All(outcome => outcome.Question.Accepts(outcome.Answer)) ? ExitCodes.Success : ExitCodes.Partial;
    }

    private static async Task<List<(EvalQuestion Question, string Answer)>> AskAsync(
        VisionLanguageModel model, EvalQuestion[] questions, GenerationOptions options, IProgress<int> progress,
            CancellationToken cancellation)
    {
        var outcomes = new List<(EvalQuestion, string)>();
        foreach (EvalQuestion question in questions)
        {
            RgbImage[] images = question.Image is { } path ? [RgbImage.Load(path)] : [];
            GenerationResult result = await model.AnswerAsync(question.Question, images, options, cancellation).ConfigureAwait(false);
            outcomes.Add((question, result.Text));
            progress.Report(outcomes.Count);
        }

        return outcomes;
    }

    private void Show(List<(EvalQuestion Question, string Answer)> outcomes)
    {
        Table table = Terminal.NewTable("kind", "right", "of", "share");
        void Row(string kind, List<(EvalQuestion Question, string Answer)> some)
        {
            int right = some.Count(outcome => outcome.Question.Accepts(outcome.Answer));
            table.AddRow(Markup.Escape(kind), Number(right), Number(some.Count),
                ((double)right / some.Count).ToString("0.000", CultureInfo.InvariantCulture));
        }

        foreach (var group in outcomes.GroupBy(outcome => outcome.Question.Kind)
            .OrderBy(group => group.Key, StringComparer.Ordinal)) Row(group.Key, [.. group]);
        Row("all", outcomes);
        Terminal.OutConsole.Write(table);
    }

    private void WriteJson(List<(EvalQuestion Question, string Answer)> outcomes)
    {
        using var memory = new MemoryStream();
        using (var json = new Utf8JsonWriter(memory, new JsonWriterOptions { Indented = true }))
        {
            json.WriteStartObject();
            json.WriteNumber("questions", outcomes.Count);
            json.WriteNumber("right", outcomes.Count(outcome => outcome.Question.Accepts(outcome.Answer)));
            json.WriteStartArray("answers");
            foreach ((EvalQuestion question, string answer) in outcomes)
            {
                json.WriteStartObject();
                json.WriteString("image", question.Image);
                json.WriteString("kind", question.Kind);
                json.WriteString("question", question.Question);
                json.WriteString("answer", answer);
                json.WriteBoolean("right", question.Accepts(answer));
                json.WriteEndObject();
            }

            json.WriteEndArray();
            json.WriteEndObject();
        }

        Terminal.Out.WriteLine(Encoding.UTF8.GetString(memory.GetBuffer(), 0, (int)memory.Length));
    }

    private static string Number(int value) => value.ToString(CultureInfo.InvariantCulture);
}
