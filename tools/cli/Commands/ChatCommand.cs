using System.CommandLine;
using TinyMllm.Cli.Support;
using TinyMllm.Loaders.Images;

namespace TinyMllm.Cli.Commands;

/// <summary><c>chat</c>: a conversation, with pictures when the user wants.</summary>
internal sealed class ChatCommand : CliCommand
{
    private const string Help = """
        /image FILE   show a picture with the next question; several may wait
        /clear        forget the conversation
        /history      show the conversation
        /help         this list
        /exit         leave (also Ctrl-D)
        Ctrl-C stops an answer; twice at an empty line it leaves. Tab completes commands and files, the arrows bring back earlier lines.
        """;

    private static readonly string[] Names = ["/image", "/clear", "/history", "/help", "/exit"];

    private readonly ModelArguments _model = new();
    private readonly AnswerArguments _answer = new(tokens: 512);
    private readonly Option<string[]> _images =
        new("--image", "-i") { Description = "A picture for the first question; may be repeated.", HelpName = "FILE",
        AllowMultipleArgumentsPerToken = true };

    public ChatCommand(Terminal terminal, Interrupts interrupts)
        : base("chat", "Talk with a model; /image FILE shows it a picture.", terminal, interrupts)
    {
        _model.AddTo(this);
        Add(_images);
        _answer.AddTo(this);
    }

    public override IReadOnlyList<string> Examples =>
    [
        "tinymllm chat -m smolvlm:500m",
        "tinymllm chat -m model.gguf --mmproj mmproj.gguf --image plan.png --system \"Answer briefly.\" --temp 0.7",
    ];

    public override async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellation)
    {
        GenerationOptions options = _answer.Options(parsed);
        List<RgbImage> waiting = [.. Inputs.Pictures(parsed.GetValue(_images), _model.Images(parsed))];
        using VisionLanguageModel model = await _model.LoadAsync(parsed, Terminal, cancellation).ConfigureAwait(false);
        options = _answer.Options(parsed, model, Terminal);
        using ChatSession session = model.CreateSession(_answer.System(parsed));
        var lines = new LineReader(Terminal, Complete);
        if (Terminal.InIsTerminal) Terminal.Note("/help shows what can be typed");

        while (lines.Read(waiting.Count > 0 ? $"[{waiting.Count} picture{(waiting.Count > 1 ? "s" : "")}] > " : "> ") is { } line)
        {
            line = line.Trim();
            if (line is "/exit" or "/quit") break;
            if (line.Length == 0) continue;
            if (line[0] == '/') Obey(line, session, waiting, model.ImageOptions);
            else if (await AnswerAsync(session, line, [.. waiting], options).ConfigureAwait(false)) waiting.Clear();
        }

        return ExitCodes.Success;
    }

    private void Obey(string line, ChatSession session, List<RgbImage> waiting, ImageOptions decoding)
    {
        (string command, string rest) = line.IndexOf(' ') is > 0 and int space ? (line[..space], line[(space + 1)..].Trim().Trim('"', '\'')) : (line, "");
        try
        {
            switch (command)
            {
                case "/image" when rest.Length > 0:
                    waiting.Add(Inputs.Picture(rest, decoding));
                    Terminal.Note($"{waiting[^1].Width} × {waiting[^1].Height} pixels, shown with the next question");
                    break;
                case "/clear":
                    session.Clear();
                    waiting.Clear();
                    Terminal.Note("forgotten");
                    break;
                case "/history":
                    foreach (ChatTurn turn in session.Turns)
                        Terminal.Out.WriteLine(
                            $"{turn.Message.Role}: {string.Concat(turn.Message.Parts.Select(part => part.Text ?? "[picture] "))}");
                    break;
                case "/help":
                    Terminal.Out.WriteLine(Help);
                    break;
                default:
                    Terminal.ReportError(command == "/image" ? "/image needs the path of a picture"
                        : $"'{command}' is not known{Suggestions.DidYouMean(command, Names)} (/help shows what is)");
                    break;
            }
        }
        catch (Exception failure) when (Failures.IsBadInput(failure))
        {
            Terminal.ReportError(failure.Message.ReplaceLineEndings(" "));
        }
    }

    /// <summary>What a line can become: a command, or a picture's path behind <c>/image</c>.</summary>
    private static IReadOnlyList<string> Complete(string line)
    {
        if (!line.StartsWith('/')) return [];
        if (!line.StartsWith("/image ", StringComparison.Ordinal))
            return [.. Names.Where(name => name.StartsWith(line, StringComparison.Ordinal)).Select(name => name == "/image" ? name + " " : name)];
        string path = line["/image ".Length..];
        string folder = path[..(path.LastIndexOf('/') + 1)], name = path[folder.Length..];
        var visible = new EnumerationOptions { IgnoreInaccessible = true };
        string place = folder.Length == 0 ? "." : folder;
        if (!Directory.Exists(place)) return [];
        return [.. Directory.EnumerateDirectories(place, name + "*", visible).Select(found => Path.GetFileName(found) + "/")
            .Concat(Directory.EnumerateFiles(place, name + "*", visible).Where(Inputs.IsPicture).Select(found => Path.GetFileName(found)!))
            .Order(StringComparer.Ordinal).Select(found => $"/image {folder}{found}")];
    }

    /// <summary>Asks; false if no answer joined the conversation.</summary>
    private async Task<bool> AnswerAsync(ChatSession session, string question, RgbImage[] images, GenerationOptions options)
    {
        using Interrupts.Step step = Interrupts.BeginStep();
        try
        {
            GenerationResult? result = null;
            await foreach (GeneratedPiece piece in session.AskAsync(question, images, options, step.Token).ConfigureAwait(false))
            {
                Terminal.Write(piece.Text);
                result = piece.Result;
            }

            Terminal.Out.WriteLine();
            Terminal.Note(Reports.Line(result!));
            return true;
        }
        catch (OperationCanceledException)
        {
            Terminal.Out.WriteLine();
            Terminal.Note("stopped; the question was not kept");
        }
        catch (Exception failure) when (Failures.IsBadInput(failure))
        {
            Terminal.Out.WriteLine();
            Terminal.ReportError(failure.Message.ReplaceLineEndings(" ")
                + (failure is ContextOverflowException ? " (/clear forgets the conversation)" : ""));
        }

        return false;
    }
}
