using System.CommandLine;
using System.Text;
using TinyMllm.Cli.Support;
using TinyMllm.Loaders.Images;

namespace TinyMllm.Cli.Commands;

/// <summary><c>chat</c>: a conversation, with pictures when the user wants.</summary>
internal sealed class ChatCommand : CliCommand
{
    private const string Help = """"
        /image FILE   show a picture with the next question; several may wait. Dropping one on the terminal does the same
        /clear        forget the conversation
        /history      show the conversation
        /help         this list
        /exit         leave (also Ctrl-D)
        """           begins and ends a text of several lines; a paste of several lines is one text
        Ctrl-C stops an answer and keeps what there is of it; twice at an empty line it leaves.
        Tab completes commands and files, the arrows bring back earlier lines.
        """";

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

    public override async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        GenerationOptions options = _answer.Options(parsed);
        List<RgbImage> waiting = [.. Inputs.Pictures(parsed.GetValue(_images), _model.Images(parsed))];
        using VisionLanguageModel model = await _model.LoadAsync(parsed, Terminal, waiting.Count > 0, cancellationToken).ConfigureAwait(false);
        options = _answer.Options(parsed, model, Terminal);
        using ChatSession session = model.CreateSession(_answer.System(parsed));
        var lines = new LineReader(Terminal, Complete);
        if (Terminal.InIsTerminal) Terminal.Note("/help shows what can be typed");

        while (lines.Read(waiting.Count > 0 ? $"[{waiting.Count} picture{(waiting.Count > 1 ? "s" : "")}] > " : "> ") is { } typed)
        {
            string line = typed.Text.Trim();
            if (line.Length == 0) continue;
            string[] dropped = typed.IsBlock ? [] : TypedPaths.DroppedPictures(line);
            if (!typed.IsBlock && line is "/exit" or "/quit") break;
            if (dropped.Length > 0) Guard(() => AddPictures(dropped, waiting, model.ImageOptions));
            else if (!typed.IsBlock && line[0] == '/') Obey(line, session, waiting, model.ImageOptions);
            else if (await AnswerAsync(session, line, [.. waiting], options).ConfigureAwait(false)) waiting.Clear();
        }

        return ExitCodes.Success;
    }

    private void Obey(string line, ChatSession session, List<RgbImage> waiting, ImageOptions decoding)
    {
        (string command, string rest) = line.IndexOf(' ') is > 0 and int space ? (line[..space], line[(space + 1)..].Trim()) : (line, "");
        Guard(() =>
        {
            switch (command)
            {
                case "/image" when rest.Length > 0:
                    AddPictures(TypedPaths.Parse(rest), waiting, decoding);
                    break;
                case "/clear":
                    session.Clear();
                    waiting.Clear();
                    Terminal.Note("forgotten");
                    break;
                case "/history":
                    foreach (ChatTurn turn in session.Turns)
                    {
                            Terminal.Out.WriteLine(
                                $"{turn.Message.Role}: {string.Concat(turn.Message.Parts.Select(part => part.Text ?? "[picture] "))}");
                    }

                    break;
                case "/help":
                    Terminal.Out.WriteLine(Help);
                    break;
                default:
                    Terminal.ReportError(command == "/image" ? "/image needs the path of a picture"
                        : $"'{command}' is not known{Suggestions.DidYouMean(command, Names)} (/help shows what is)");
                    break;
            }
        });
    }

    private void Guard(Action work)
    {
        try
        {
            work();
        }
        catch (Exception failure) when (Failures.IsBadInput(failure))
        {
            Terminal.ReportError(failure.Message.ReplaceLineEndings(" "));
        }
    }

    private void AddPictures(string[] paths, List<RgbImage> waiting, ImageOptions decoding)
    {
        foreach (string path in paths)
        {
            waiting.Add(Inputs.Picture(path, decoding));
            Terminal.Note($"{waiting[^1].Width} × {waiting[^1].Height} pixels, shown with the next question");
        }
    }

    /// <summary>What a line can become: a command, or a picture's path behind <c>/image</c>.</summary>
    private static IReadOnlyList<Choice> Complete(string line)
    {
        if (!line.StartsWith('/')) return [];
        if (!line.StartsWith("/image ", StringComparison.Ordinal))
        {
            return [.. Names.Where(name => name.StartsWith(line, StringComparison.Ordinal))
                .Select(name => new Choice(name == "/image" ? name + " " : name, name))];
        }

        return [.. TypedPaths.Complete(line["/image ".Length..]).Select(choice => choice with { Line = "/image " + choice.Line })];
    }

    /// <summary>Asks; false if no answer joined the conversation.</summary>
    private async Task<bool> AnswerAsync(ChatSession session, string question, RgbImage[] images, GenerationOptions options)
    {
        using Interrupts.Step step = Interrupts.BeginStep();
        var shown = new StringBuilder();
        try
        {
            GenerationResult result = await Answers.ShowAsync(
                Terminal, options, with => session.GenerateAsync(question, images, with, step.Token), shown).ConfigureAwait(false);
            Terminal.Out.WriteLine();
            Terminal.Note(Reports.Line(result));
            return true;
        }
        catch (OperationCanceledException)
        {
            Terminal.Out.WriteLine();
            if (shown.Length == 0)
            {
                Terminal.Note("stopped before an answer began; the question was not kept");
                return false;
            }

            // The next question may be about what there is.
            session.Add(ChatTurn.User(question, images));
            session.Add(ChatTurn.Assistant(shown.ToString()));
            Terminal.Note("stopped; what there is of the answer is kept");
            return true;
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
