using System.CommandLine;
using TinyMllm.Cli.Support;
using TinyMllm.Loaders.Hub;

namespace TinyMllm.Cli.Commands;

/// <summary><c>rm REPO[:FILE]</c>: removes a model from the cache.</summary>
internal sealed class RemoveCommand : CliCommand
{
    private readonly Argument<string> _model = new("MODEL")
    {
        HelpName = "MODEL",
        Description = "A short name or OWNER/REPO (all its files), or OWNER/REPO:FILE (one file).",
        CompletionSources = { _ => Cached() },
    };

    public RemoveCommand(Terminal terminal, Interrupts interrupts)
        : base("rm", "Remove a model from the cache.", terminal, interrupts) => Add(_model);

    public override IReadOnlyList<string> Examples =>
        ["tinymllm rm smolvlm:256m", "tinymllm rm ggml-org/SmolVLM-256M-Instruct-GGUF:SmolVLM-256M-Instruct-f16.gguf"];

    public override Task<int> RunAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        var reference = HubReference.Parse(parsed.GetRequiredValue(_model));
        using var hub = new HubDownloader();
        long freed = hub.Cache.Remove(reference);
        if (freed == 0) throw new UsageException($"{reference} is not in the cache (tinymllm list shows what is)");
        Terminal.Note($"removed {reference}: {Sizes.Bytes(freed)} freed");
        return Task.FromResult(ExitCodes.Success);
    }

    private static IEnumerable<System.CommandLine.Completions.CompletionItem> Cached()
    {
        using var hub = new HubDownloader();
        return [.. hub.Cache.List().Select(entry => new System.CommandLine.Completions.CompletionItem(entry.Repository))];
    }
}
