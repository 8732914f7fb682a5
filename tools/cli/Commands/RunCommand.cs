using System.CommandLine;
using TinyMllm.Cli.Support;
using TinyMllm.Loaders.Images;

namespace TinyMllm.Cli.Commands;

/// <summary><c>run</c>: one prompt, one answer.</summary>
internal sealed class RunCommand : CliCommand
{
    private readonly ModelArguments _model = new();
    private readonly AnswerArguments _answer = new(tokens: 128);
    private readonly Option<string[]> _images =
        new("--image", "-i") { Description = "A picture; may be repeated.", HelpName = "FILE", AllowMultipleArgumentsPerToken = true };
    private readonly Option<string> _prompt =
        new("-p", "--prompt") { Description = "The question; @FILE reads it from a file, - from standard input.", Required = true,
        HelpName = "TEXT" };
    private readonly Option<bool> _raw =
        new("--raw") { Description = "Take the prompt as it stands: no chat template, <__media__> marks each picture's place." };

    public RunCommand(Terminal terminal, Interrupts interrupts)
        : base("run", "Ask one question, with pictures or without, and stream the answer.", terminal, interrupts)
    {
        _model.AddTo(this);
        Add(_images);
        Add(_prompt);
        Add(_raw);
        _answer.AddTo(this);
    }

    public override IReadOnlyList<string> Examples =>
    [
        "tinymllm run -m smolvlm:256m --image cat.jpg -p \"What is in this picture?\"",
        "tinymllm run -m model.gguf --mmproj mmproj.gguf --image a.png --image b.png -p \"What has changed?\" -n 64",
        "tinymllm run -m model.gguf -p \"Write a haiku.\" --temp 0.8 --seed 7",
        "tinymllm run -m smolvlm:500m --image receipt.jpg -p \"Read the total.\" --json-schema '{\"type\":\"object\",\"properties\":{\"total\":{\"type\":\"number\"}},\"required\":[\"total\"]}'",
    ];

    public override async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        GenerationOptions options = _answer.Options(parsed) with { Raw = parsed.GetValue(_raw) };
        string prompt = Prompts.Read(parsed.GetRequiredValue(_prompt), Terminal);
        RgbImage[] images = Inputs.Pictures(parsed.GetValue(_images), _model.Images(parsed));
        using VisionLanguageModel model = await _model.LoadAsync(parsed, Terminal, images.Length > 0, cancellationToken).ConfigureAwait(false);
        options = _answer.Options(parsed, model, Terminal) with { Raw = options.Raw };
        GenerationResult result;
        try
        {
            result = await Answers.ShowAsync(
                Terminal, options, with => model.GenerateAsync(prompt, images, with, cancellationToken)).ConfigureAwait(false);
        }
        finally
        {
            Terminal.Out.WriteLine(); // Also when it was stopped: whatever comes next begins on a line of its own.
        }

        Terminal.Note(Reports.Line(result));
        return ExitCodes.Success;
    }
}
