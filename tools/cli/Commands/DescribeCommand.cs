using System.CommandLine;
using TinyMllm.Cli.Support;
using TinyMllm.Loaders.Images;

namespace TinyMllm.Cli.Commands;

/// <summary><c>describe FOLDER</c>: the same question about every picture of a folder, answers as JSON lines; goes on where it was
/// interrupted.</summary>
internal sealed class DescribeCommand : CliCommand
{
    private readonly Argument<string> _folder = new("FOLDER") { Description = "A folder of pictures." };
    private readonly ModelArguments _model = new();
    private readonly AnswerArguments _answer = new(tokens: 128);
    private readonly Option<string> _prompt =
        new("-p", "--prompt") { Description = "The question.", HelpName = "TEXT", DefaultValueFactory = _ => "Describe this picture." };
    private readonly Option<string?> _out =
        new("-o", "--out")
        {
            Description = "A JSONL file to append to; pictures that it has an answer for, from the same model, prompt and options, "
                + "are skipped. Standard output unless set.",
            HelpName = "FILE",
        };

    private readonly Option<bool> _recursive = new("-r", "--recursive") { Description = "Folders below it as well." };

    public DescribeCommand(Terminal terminal, Interrupts interrupts)
        : base("describe", "Ask the same question about every picture of a folder; answers as JSON lines.", terminal, interrupts)
    {
        Add(_folder);
        _model.AddTo(this);
        foreach (Option option in new Option[] { _prompt, _out, _recursive }) Add(option);
        _answer.AddTo(this);
    }

    public override IReadOnlyList<string> Examples =>
    [
        "tinymllm describe photos -m smolvlm:256m -o captions.jsonl",
        "tinymllm describe scans -r -m qwen3-vl:2b -p \"What kind of document is this?\" -n 16 | jq -r '[.file, .answer] | @csv'",
    ];

    public override async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        string folder = parsed.GetRequiredValue(_folder), prompt = Prompts.Read(parsed.GetRequiredValue(_prompt), Terminal);
        if (!Directory.Exists(folder)) throw new UsageException($"there is no folder {folder}");
        _answer.Options(parsed);
        string[] pictures = Pictures(folder, parsed.GetValue(_recursive));

        using var log = AnswerLog.Open(parsed.GetValue(_out), Terminal.Out);
        (string path, string? projector) = await _model.LocateAsync(parsed, Terminal, cancellationToken).ConfigureAwait(false);
        if (projector is null) throw ModelArguments.NoEncoder(path);
        var run = DescribeRun.Of(path, projector, prompt, parsed, [_prompt, _out, _recursive, .. _model.Indifferent]);
        string[] left = [.. pictures.Where(picture => !log.Has(run, picture))];
        if (left.Length < pictures.Length)
        {
            Terminal.Note(
                $"{pictures.Length - left.Length} of {pictures.Length} pictures have their answers already");
        }

        if (left.Length == 0) return ExitCodes.Success;

        using VisionLanguageModel model = await _model.LoadAsync(parsed, path, projector, Terminal, cancellationToken).ConfigureAwait(false);
        var work = new Work(model, folder, left, pictures.Length, run, _answer.Options(parsed, model, Terminal), log,
            ShowsBar: Terminal.ErrorIsTerminal && !(parsed.GetValue(_out) is null && Terminal.OutIsTerminal));
        int done = 0;
        try
        {
            int failed = await ProgressBars.RunAsync<(double Done, string Title), int>(
                Terminal, "describing", now => (now.Done, left.Length, now.Title),
                progress => DescribeAsync(work, progress, count => done = count, cancellationToken),
                hidden: !work.ShowsBar).ConfigureAwait(false);
            Terminal.Note($"{left.Length - failed} described, {failed} failed");
            return failed == 0 ? ExitCodes.Success : ExitCodes.Partial;
        }
        catch (OperationCanceledException)
        {
            string next = parsed.GetValue(_out) is null ? "-o FILE would let it go on from here" : "the same command goes on from here";
            Terminal.Note($"stopped after {done} of {left.Length} pictures; {next}");
            throw;
        }
    }

    private string[] Pictures(string folder, bool recursive)
    {
        var found = PictureFolder.Find(folder, recursive);
        if (found.Pictures.Length == 0)
        {
            string below = recursive ? "" : "; -r looks into the folders below";
            throw new UsageException($"{folder} has no pictures ({string.Join(" ", Inputs.PictureEndings)}){below}");
        }

        if (found.Unreadable > 0)
        {
            Terminal.Note(
                $"{found.Unreadable} files are left out, of kinds that cannot be read ({string.Join(" ", Inputs.UnreadableEndings)})");
        }

        return found.Pictures;
    }

    private async Task<int> DescribeAsync(
        Work work, IProgress<(double Done, string Title)> progress, Action<int> count, CancellationToken cancellationToken)
    {
        int failed = 0;
        for (int i = 0; i < work.Left.Length; i++)
        {
            string picture = work.Left[i], path = Path.Combine(work.Folder, picture);
            string title = $"{work.Total - work.Left.Length + i + 1}/{work.Total} {picture}";
            int before = i;
            progress.Report((before, title));
            if (!work.ShowsBar) Terminal.Note(title);
            GenerationResult? result = null;
            try
            {
                RgbImage image = Inputs.FoundPicture(path, work.Model.ImageOptions, cancellationToken);
                var tiles = new Direct<ImageProgress>(now => progress.Report(
                    (before + 0.9 * now.Fraction, now.Tiles > 1 ? $"{title}: {Answers.TileTitle(now)}" : title)));
                GenerationOptions options = work.ShowsBar ? work.Options with { ImageProgress = tiles } : work.Options;
                result = await work.Model.AnswerAsync(work.Run.Prompt, [image], options, cancellationToken).ConfigureAwait(false);
            }
            catch (Exception failure) when (Failures.IsBadInput(failure))
            {
                failed++;
                work.Log.AddFailure(work.Run, picture, Failures.Reason(path, failure));
                Terminal.ReportError(Failures.About(picture, path, failure));
            }

            if (result is not null && Reports.OnlyThought(result))
            {
                failed++;
                const string problem = "all tokens went into thoughts: -n allows more, --no-think answers at once";
                work.Log.AddFailure(work.Run, picture, problem);
                Terminal.ReportError($"{picture}: {problem}");
                result = null;
            }

            // Outside: a log that cannot be written is not the picture's fault, and there is no use in going on.
            if (result is not null) work.Log.Add(work.Run, picture, result);
            count(i + 1);
        }

        return failed;
    }

    /// <summary>What is to be done.</summary>
    /// <param name="Model">Who answers.</param>
    /// <param name="Folder">Where the pictures are.</param>
    /// <param name="Left">Those that have no answer yet.</param>
    /// <param name="Total">How many there are in all.</param>
    /// <param name="Run">What is asked, and how.</param>
    /// <param name="Options">The same for the library.</param>
    /// <param name="Log">Where answers go.</param>
    /// <param name="ShowsBar">Whether a bar shows how far it is; else a line per picture does.</param>
    private sealed record Work(
        VisionLanguageModel Model, string Folder, string[] Left, int Total, DescribeRun Run, GenerationOptions Options, AnswerLog Log,
        bool ShowsBar);
}
