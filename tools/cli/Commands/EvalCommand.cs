using System.CommandLine;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Spectre.Console;
using TinyMllm.Cli.Support;
using TinyMllm.Loaders.Images;

namespace TinyMllm.Cli.Commands;

/// <summary><c>eval --set FILE</c>: how many questions of a set a model answers rightly, per kind of question, and what smaller weight
/// types cost.</summary>
internal sealed class EvalCommand : CliCommand
{
    private readonly ModelArguments _model = new();
    private readonly AnswerArguments _answer = new(tokens: 32);
    private readonly Option<string> _set = new("--set")
    {
        Description = "A JSONL file of {\"image\", \"question\", \"answer\", \"kind\", \"part\"} (paths relative to it, answer a text or a list of right ones, kind and part as you like), "
            + "a zip of such a questions.jsonl and its pictures, or 'demo', the demo model's held-out set.",
        HelpName = "FILE", Required = true,
    };

    private readonly Option<string?> _types = new("--types")
    {
        Description = "Compare weight types: quantise both files to each of these (Q8_0,Q4_0,Q4_K_M; 'file' = as they are) and ask all over again.",
        HelpName = "LIST",
    };

    private readonly Option<double?> _atLeast = new("--at-least")
    {
        Description = "Exit code 1 if a smaller share of the answers is right (0 to 1).", HelpName = "SHARE",
    };

    private readonly Option<bool> _json = new("--json") { Description = "Print JSON, every answer included." };

    public EvalCommand(Terminal terminal, Interrupts interrupts)
        : base("eval", "Count right answers over a set of questions about pictures.", terminal, interrupts)
    {
        _model.AddTo(this);
        foreach (Option option in new Option[] { _set, _types, _atLeast, _json }) Add(option);
        _answer.AddTo(this);
    }

    public override IReadOnlyList<string> Examples =>
    [
        "tinymllm eval -m demo --set demo",
        "tinymllm eval -m demo --set demo --types file,Q4_0,Q4_K_M",
        "tinymllm eval -m model.gguf --mmproj mmproj.gguf --set questions.jsonl --at-least 0.8 --json > result.json",
    ];

    public override async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        GenerationOptions options = _answer.Options(parsed);
        if (parsed.GetValue(_atLeast) is < 0 or > 1 or double.NaN) throw new UsageException("--at-least is a share, 0 to 1");
        using var set = EvalSet.Open(parsed.GetRequiredValue(_set));
        var runs = new List<EvalRun>();
        if (parsed.GetValue(_types) is not { } types)
        {
            using VisionLanguageModel model = await _model.LoadAsync(parsed, Terminal, set.HasPictures, cancellationToken).ConfigureAwait(false);
            runs.Add(await AskAsync("share", model, set, options, cancellationToken).ConfigureAwait(false));
        }
        else
        {
            (string text, string? projector) = await _model.LocateAsync(parsed, Terminal, cancellationToken).ConfigureAwait(false);
            if (set.HasPictures && projector is null) throw ModelArguments.NoEncoder(text);
            foreach (string type in types.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
            {
                using var files = QuantizedFiles.Make(text, projector, type, cancellationToken);
                using VisionLanguageModel model = await VisionLanguageModel.LoadAsync(
                    files.Model, files.Projector, _model.Options(parsed), cancellationToken: cancellationToken).ConfigureAwait(false);
                runs.Add(await AskAsync(type, model, set, options, cancellationToken).ConfigureAwait(false));
            }

            if (runs.Count == 0) throw new UsageException("--types names no type");
        }

        if (parsed.GetValue(_json)) WriteJson(runs);
        else Show(runs);
        return runs.All(run => run.Share() >= (parsed.GetValue(_atLeast) ?? 0)) ? ExitCodes.Success : ExitCodes.Partial;
    }

    private Task<EvalRun> AskAsync(
        string name, VisionLanguageModel model, EvalSet set, GenerationOptions options, CancellationToken cancellationToken) =>
        ProgressBars.RunAsync<int, EvalRun>(
            Terminal, name == "share" ? "asking" : name, done => (done, set.Questions.Length, null), async progress =>
            {
                var run = new EvalRun(name);
                foreach (EvalQuestion question in set.Questions)
                {
                    RgbImage[] images = set.Picture(question, model.ImageOptions) is { } picture ? [picture] : [];
                    var asked = model.AnswerAsync(question.Question, images, options, cancellationToken);
                    run.Add(question, (await asked.ConfigureAwait(false)).Text);
                    progress.Report(run.Outcomes.Count);
                }

                return run;
            });

    private void Show(List<EvalRun> runs)
    {
        bool compares = runs.Count > 1;
        Table table = Terminal.NewTable(compares ? ["kind", "of", .. runs.Select(run => run.Name)] : ["kind", "right", "of", "share"]);
        void Row(string title, Func<EvalQuestion, bool> chosen)
        {
            int count = runs[0].Count(chosen);
            string[] shares = [.. runs.Select(run => run.Share(chosen).ToString("0.000", CultureInfo.InvariantCulture))];
            table.AddRow(compares
                ? [Markup.Escape(title), Number(count), .. shares]
                : [Markup.Escape(title), Number(runs[0].Right(chosen)), Number(count), .. shares]);
        }

        EvalQuestion[] questions = [.. runs[0].Outcomes.Select(outcome => outcome.Question)];
        string?[] parts = [.. questions.Select(question => question.Part).Distinct()];
        foreach (string? part in parts)
        {
            string prefix = part is null ? "" : part + ": ";
            foreach (string kind in questions.Where(question => question.Part == part).Select(question => question.Kind).Distinct()
                .Order(StringComparer.Ordinal))
            {
                Row(prefix + kind, question => question.Part == part && question.Kind == kind);
            }

            if (parts.Length > 1) Row(prefix + "all", question => question.Part == part);
        }

        Row("all", _ => true);
        Terminal.OutConsole.Write(table);
    }

    private void WriteJson(List<EvalRun> runs)
    {
        using var memory = new MemoryStream();
        using (var json = new Utf8JsonWriter(memory, new JsonWriterOptions { Indented = true }))
        {
            if (runs.Count > 1) json.WriteStartArray();
            foreach (EvalRun run in runs)
            {
                json.WriteStartObject();
                if (runs.Count > 1) json.WriteString("type", run.Name);
                json.WriteNumber("questions", run.Outcomes.Count);
                json.WriteNumber("right", run.Right(_ => true));
                json.WriteStartArray("answers");
                foreach ((EvalQuestion question, string answer) in run.Outcomes)
                {
                    json.WriteStartObject();
                    json.WriteString("image", question.Image);
                    if (question.Part is { } part) json.WriteString("part", part);
                    json.WriteString("kind", question.Kind);
                    json.WriteString("question", question.Question);
                    json.WriteString("answer", answer);
                    json.WriteBoolean("right", question.Accepts(answer));
                    json.WriteEndObject();
                }

                json.WriteEndArray();
                json.WriteEndObject();
            }

            if (runs.Count > 1) json.WriteEndArray();
        }

        Terminal.Out.WriteLine(Encoding.UTF8.GetString(memory.GetBuffer(), 0, (int)memory.Length));
    }

    private static string Number(int value) => value.ToString(CultureInfo.InvariantCulture);
}
