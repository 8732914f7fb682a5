using System.CommandLine;
using TinyMllm.Cli.Support;

namespace TinyMllm.Cli.Commands;

internal sealed class DemoCommand : CliCommand
{
    public DemoCommand(Terminal terminal, Interrupts interrupts)
        : base("demo", "Ask the demo model about its sample pictures.", terminal, interrupts)
    {
    }

    public override IReadOnlyList<string> Examples => ["tinymllm", "tinymllm demo"];

    public override Task<int> RunAsync(ParseResult parsed, CancellationToken cancellation) => throw new UsageException("not yet");
}
