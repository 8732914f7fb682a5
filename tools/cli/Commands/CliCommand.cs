using System.CommandLine;
using TinyMllm.Cli.Support;

namespace TinyMllm.Cli.Commands;

/// <summary>A command: its arguments, its examples, what it does.</summary>
internal abstract class CliCommand : Command
{
    protected CliCommand(string name, string description, Terminal terminal, Interrupts interrupts)
        : base(name, description)
    {
        Terminal = terminal;
        Interrupts = interrupts;
        SetAction((parsed, _) => RunAsync(parsed, interrupts.Token));
    }

    /// <summary>Command lines that help shows.</summary>
    public abstract IReadOnlyList<string> Examples { get; }

    protected Terminal Terminal { get; }

    protected Interrupts Interrupts { get; }

    /// <summary>Does the work and returns the exit code.</summary>
    public abstract Task<int> RunAsync(ParseResult parsed, CancellationToken cancellationToken);
}
