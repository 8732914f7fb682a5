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
        new("-o", "--out") { Description = "A JSONL file to append to; pictures that it has an answer for are skipped. Standard output unless set.", HelpName = "FILE" };
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

    public override async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellation)
    {
        string folder = parsed.GetRequiredValue(_folder), prompt = Prompts.Read(parsed.GetRequiredValue(_prompt), Terminal);
        if (!Directory.Exists(folder)) throw new UsageException($"there is no folder {folder}");
        GenerationOptions options = _answer.Options(parsed);
        var visible = new EnumerationOptions { RecurseSubdirectories = parsed.GetValue(_recursive), IgnoreInaccessible = true };
        string[] pictures = [.. Directory.EnumerateFiles(folder, "*", visible).Where(Inputs.IsPicture)
            .Select(path => Path.GetRelativePath(folder, path).Replace(Path.DirectorySeparatorChar, '/')).Order(StringComparer.Ordinal)];
        if (pictures.Length == 0)
        {
            string below = visible.RecurseSubdirectories ? "" : "; -r looks into the folders below";
            throw new UsageException($"{folder} has no pictures ({string.Join(" ", Inputs.PictureEndings)}){below}");
        }

        using AnswerLog log = AnswerLog.Open(parsed.GetValue(_out), Terminal.Out);
        string[] left = [.. pictures.Where(picture => !log.Has(picture, prompt))];
        if (left.Length < pictures.Length) Terminal.Note(
            $"{pictures.Length - left.Length} of {pictures.Length} pictures have their answers already");
        if (left.Length == 0) return ExitCodes.Success;

        using VisionLanguageModel model = await _model.LoadAsync(parsed, Terminal, cancellation).ConfigureAwait(false);
        options = _answer.Options(parsed, model, Terminal);
        if (!model.SupportsImages) throw new UsageException(
            "the model was loaded without a picture encoder: give its mmproj file (--mmproj)");
        int done = 0;
        try
        {
            int failed = await ProgressBars.RunAsync<int, int>(Terminal, "describing", now => (done = now, left.Length),
                progress => DescribeAsync(model, folder, left, prompt, options, log, progress, cancellation),
                hidden: parsed.GetValue(_out) is null && Terminal.OutIsTerminal).ConfigureAwait(false);
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

    private async Task<int> DescribeAsync(
        VisionLanguageModel model, string folder, string[] pictures, string prompt, GenerationOptions options, AnswerLog log,
        IProgress<int> progress, CancellationToken cancellation)
    {
        int failed = 0;
        for (int i = 0; i < pictures.Length; i++)
        {
            try
            {
                RgbImage image = RgbImage.Load(Path.Combine(folder, pictures[i]), model.ImageOptions, cancellation);
                log.Add(pictures[i], prompt, await model.AnswerAsync(prompt, [image], options, cancellation).ConfigureAwait(false));
            }
            catch (Exception failure) when (Failures.IsBadInput(failure))
            {
                failed++;
                log.AddFailure(pictures[i], prompt, failure.Message.ReplaceLineEndings(" "));
                Terminal.ReportError($"{pictures[i]}: {failure.Message.ReplaceLineEndings(" ")}");
            }

            progress.Report(i + 1);
        }

        return failed;
    }
}
