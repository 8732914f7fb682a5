using System.CommandLine;
using TinyMllm.Cli.Dumping;
using TinyMllm.Cli.Support;
using TinyMllm.Engine;
using TinyMllm.Loaders.Images;

namespace TinyMllm.Cli.Commands;

/// <summary><c>dump</c>: what each stage produces, in the layout of the goldens, to check this engine against another one.</summary>
internal sealed class DumpCommand : CliCommand
{
    private readonly ModelArguments _model = new(KvType.F32);
    private readonly Option<string[]> _images =
        new("--image", "-i") { Description = "A picture; may be repeated.", HelpName = "FILE", AllowMultipleArgumentsPerToken = true };
    private readonly Option<string?> _prompt =
        new("-p", "--prompt") { Description = "The question; @FILE reads it from a file, - from standard input.", HelpName = "TEXT" };
    private readonly Option<bool> _raw =
        new("--raw") { Description = "Take the prompt as it stands: no chat template, <__media__> marks each picture's place." };
    private readonly Option<string?> _tokens =
        new("--tokens") { Description = "The prompt as token ids instead of text: 1,2,3.", HelpName = "IDS" };
    private readonly Option<string?> _system = new("--system") { Description = "What the system turn says.", HelpName = "TEXT" };
    private readonly Option<int> _greedy = new("--greedy") { Description = "Feed back this many of the likeliest tokens.", HelpName = "N" };
    private readonly Option<string> _out = new("--out", "-o") { Description = "Folder for the files.", HelpName = "DIR", Required = true };

    public DumpCommand(Terminal terminal, Interrupts interrupts)
        : base("dump", "Write what each stage produces (pixels, embeddings, logits) as NumPy arrays and JSON.", terminal, interrupts)
    {
        _model.AddTo(this);
        foreach (Option option in new Option[] { _images, _prompt, _raw, _tokens, _system, _greedy, _out }) Add(option);
    }

    public override IReadOnlyList<string> Examples =>
    [
        "tinymllm dump -m model.gguf --mmproj mmproj.gguf --image cat.jpg -p \"What is this?\" --greedy 4 --out cat",
        "tinymllm dump -m model.gguf --mmproj mmproj.gguf --image a.png --raw -p \"<|im_start|>User:<__media__>What is this?\" --compat llama.cpp --out a",
        "tinymllm dump -m model.gguf --tokens 1,15,22 --greedy 8 --kv-type f16 --out text",
    ];

    public override async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        if ((parsed.GetValue(_prompt) is null) == (parsed.GetValue(_tokens) is null))
        {
            throw new UsageException(
                "give the prompt either as text (-p) or as token ids (--tokens)");
        }

        int greedy = parsed.GetValue(_greedy) is >= 0 and int steps ? steps : throw new UsageException("--greedy is negative");
        int[]? tokens = parsed.GetValue(_tokens) is { } list ? ParseTokens(list) : null;
        string? text = parsed.GetValue(_prompt) is { } prompt ? Prompts.Read(prompt, Terminal) : null;
        RgbImage[] images = Inputs.Pictures(parsed.GetValue(_images), _model.Images(parsed));
        if (tokens is not null && images.Length > 0) throw new UsageException("--tokens takes no pictures; use -p with --raw");

        (string path, string? projector) = await _model.LocateAsync(parsed, Terminal, cancellationToken).ConfigureAwait(false);
        if (images.Length > 0 && projector is null) throw ModelArguments.NoEncoder(path);
        using VisionLanguageModel model = await _model.LoadAsync(parsed, path, projector, Terminal, cancellationToken).ConfigureAwait(false);
        string[] sources = [path, .. projector is null ? Array.Empty<string>() : [projector], .. parsed.GetValue(_images) ?? []];
        var request = new DumpRequest(text, tokens, images, parsed.GetValue(_raw), parsed.GetValue(_system),
            _model.FollowsLlamaCpp(parsed), greedy, sources);
        string folder = parsed.GetRequiredValue(_out);
        await Task.Run(() => Dump.Write(model, request, folder, cancellationToken), cancellationToken).ConfigureAwait(false);
        Terminal.Note($"written to {folder}");
        return ExitCodes.Success;
    }

    private static int[] ParseTokens(string list)
    {
        string[] items = list.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        if (items.Length == 0) throw new UsageException("--tokens is empty");
        return [.. items.Select(item => int.TryParse(item, System.Globalization.CultureInfo.InvariantCulture, out int id) ? id
            : throw new UsageException($"--tokens: '{item}' is not a token id"))];
    }
}
