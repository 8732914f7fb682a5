using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using TinyMllm.Cli.Support;
using TinyMllm.Loaders.Images;

namespace TinyMllm.Cli.Commands;

/// <summary><c>demo</c>, and what the program does without arguments: questions about the sample pictures that the repository
/// carries.</summary>
internal sealed class DemoCommand : CliCommand
{
    private readonly Option<string[]> _image =
        new("--image", "-i")
        {
            Description = "A picture of your own instead (drawn scenes, not photographs); may be repeated.",
            HelpName = "FILE", AllowMultipleArgumentsPerToken = true,
        };
    private readonly Option<string[]> _question =
        new("-p", "--prompt") { Description = "A question about it; may be repeated. Unless given, a few that suit most pictures.", HelpName = "TEXT" };

    public DemoCommand(Terminal terminal, Interrupts interrupts)
        : base("demo", "Ask the demo model of the repository about its sample pictures, or about your own.", terminal, interrupts)
    {
        Add(_image);
        Add(_question);
    }

    public override IReadOnlyList<string> Examples =>
    [
        "tinymllm",
        "tinymllm demo",
        "tinymllm demo --image my.png -p \"Where is the cat?\"",
        "dotnet run --project tools/cli -c Release",
    ];

    public override async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        var demo = DemoFiles.Find();
        (string Path, string Question)[] asked = Questions(parsed, demo);
        long start = Stopwatch.GetTimestamp();
        using VisionLanguageModel model =
            await VisionLanguageModel.LoadAsync(demo.Model, demo.Projector, cancellationToken: cancellationToken).ConfigureAwait(false);
        Terminal.Note(ModelArguments.Summary(model.Info, Stopwatch.GetElapsedTime(start)));
        Terminal.Note("It was trained for this project on drawn scenes of emoji and knows nothing else; tinymllm pull smolvlm:256m gets a real model.");

        var results = new List<GenerationResult>();
        string? picture = null;
        foreach ((string path, string question) in asked)
        {
            if (path != picture)
            {
                Terminal.Out.WriteLine(
                    $"{(picture is null ? "" : "\n")}{Path.GetRelativePath(Directory.GetCurrentDirectory(), path)}");
            }

            picture = path;
            results.Add(await AskAsync(model, RgbImage.Load(path, cancellationToken: cancellationToken), question, cancellationToken).ConfigureAwait(false));
        }

        Terminal.Out.WriteLine();
        Terminal.Note(Summary(results));
        return ExitCodes.Success;
    }

    private (string Path, string Question)[] Questions(ParseResult parsed, DemoFiles demo)
    {
        string[] images = parsed.GetValue(_image) ?? [], questions = parsed.GetValue(_question) ?? [];
        if (images.Length == 0)
        {
            return questions.Length == 0
                ? [.. DemoFiles.Card.Select(row => (demo.Sample(row.Picture), row.Question))]
                : throw new UsageException("-p asks about a picture of yours: name it with --image");
        }

        if (questions.Length == 0) questions = DemoFiles.General;
        return [.. images.SelectMany(image => questions.Select(question => (Inputs.Existing(image), question)))];
    }

    private async Task<GenerationResult> AskAsync(VisionLanguageModel model, RgbImage image, string question,
        CancellationToken cancellationToken)
    {
        Terminal.Write($"  {question} ");
        GenerationResult? result = null;
        await foreach (GeneratedPiece piece in model.GenerateAsync(question, image, cancellationToken: cancellationToken).ConfigureAwait(false))
        {
            Terminal.Write(piece.Text);
            result = piece.Result;
        }

        Terminal.Out.WriteLine();
        return result!;
    }

    private static string Summary(List<GenerationResult> results)
    {
        TimeSpan[] first = [.. results.Select(result => result.Timings.FirstToken).Order()];
        int tokens = results.Sum(result => Math.Max(0, result.Usage.GeneratedTokens - 1));
        double seconds = results.Sum(result => result.Timings.Generation.TotalSeconds);
        string rate = (tokens / seconds).ToString("0", CultureInfo.InvariantCulture);
        return $"time to the first token: {Sizes.Time(first[0])} to {Sizes.Time(first[^1])}, median {Sizes.Time(first[first.Length / 2])}; generation: {rate} tokens/s";
    }
}
