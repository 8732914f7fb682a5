using System.CommandLine;
using TinyMllm.Cli.Support;
using TinyMllm.Loaders.Hub;

namespace TinyMllm.Cli.Commands;

/// <summary><c>pull REPO[:FILE]</c>: brings a model here.</summary>
internal sealed class PullCommand : CliCommand
{
    private readonly Argument<string> _model = new("MODEL")
    {
        HelpName = "MODEL",
        Description = "A short name (smolvlm:256m), OWNER/REPO, OWNER/REPO:FILE or OWNER/REPO:TYPE (a weight type such as Q4_K_M), with @REVISION if wanted.",
        CompletionSources = { _ => HubCatalog.Entries.Select(entry => new System.CommandLine.Completions.CompletionItem(entry.Name)) },
    };

    public PullCommand(Terminal terminal, Interrupts interrupts)
        : base("pull", "Download a model from the Hugging Face hub: resumes, verifies, keeps it in the cache.", terminal, interrupts) =>
            Add(_model);

    public override IReadOnlyList<string> Examples =>
    [
        "tinymllm pull smolvlm:256m",
        "tinymllm pull ggml-org/SmolVLM-500M-Instruct-GGUF:Q8_0",
        "HF_TOKEN=hf_... tinymllm pull someone/private-GGUF:model-Q4_K_M.gguf",
        "HF_ENDPOINT=https://hub.example.com tinymllm pull qwen3-vl:2b",
    ];

    public override async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        var reference = HubReference.Parse(parsed.GetRequiredValue(_model));
        using var hub = new HubDownloader();
        try
        {
            HubModel model = await TransferBars.RunAsync(Terminal, progress => hub.PullAsync(reference, progress, cancellationToken))
                .ConfigureAwait(false);
            Terminal.Out.WriteLine(model.ModelPath);
            if (model.ProjectorPath is not null) Terminal.Out.WriteLine(model.ProjectorPath);
            return ExitCodes.Success;
        }
        catch (OperationCanceledException)
        {
            Terminal.Note("stopped; what has arrived is kept, the same command goes on from here");
            throw;
        }
    }
}
