using System.CommandLine;
using System.CommandLine.Help;
using TinyMllm.Cli.Commands;
using TinyMllm.Cli.Support;

namespace TinyMllm.Cli;

/// <summary>Puts the commands together, runs the one that was asked for, and turns every failure into one line and an exit code.</summary>
internal static class CommandLine
{
    public static async Task<int> RunAsync(string[] args, Terminal terminal, Interrupts interrupts)
    {
        RootCommand root = Build(terminal, interrupts);
        ParseResult parsed = root.Parse(args);
        bool verbose = args.Contains("--verbose");
        if (parsed.Errors.Count > 0 && parsed.Action is not (HelpAction or { ClearsParseErrors: true }))
        {
            terminal.ReportError($"{parsed.Errors[0].Message.ReplaceLineEndings(" ")} (see tinymllm {Path(parsed)}--help)");
            return ExitCodes.BadInput;
        }

        try
        {
            var streams = new InvocationConfiguration
            {
                Output = terminal.Out, Error = terminal.Error, EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null,
            };
            return await parsed.InvokeAsync(streams, CancellationToken.None).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            return ExitCodes.Interrupted;
        }
        catch (Exception failure)
        {
            return Failures.Report(failure, terminal, verbose);
        }
    }

    private static RootCommand Build(Terminal terminal, Interrupts interrupts)
    {
        var root = new RootCommand("tinymllm runs small vision-language models from GGUF files on the CPU, in pure C#.");
        var demo = new DemoCommand(terminal, interrupts);
        CliCommand[] commands =
        [
            new RunCommand(terminal, interrupts),
            new ChatCommand(terminal, interrupts),
            new DescribeCommand(terminal, interrupts),
            new PullCommand(terminal, interrupts),
            new ListCommand(terminal, interrupts),
            new RemoveCommand(terminal, interrupts),
            new InspectCommand(terminal, interrupts),
            new QuantizeCommand(terminal, interrupts),
            new BenchCommand(terminal, interrupts),
            new EvalCommand(terminal, interrupts),
            new DumpCommand(terminal, interrupts),
            demo,
            new CompletionCommand(terminal, interrupts),
        ];
        foreach (CliCommand command in commands) root.Add(command);

        root.Options.Add(new Option<bool>("--verbose") { Description = "Show the stack trace of an error.", Recursive = true });
        root.SetAction((parsed, _) => demo.RunAsync(parsed, interrupts.Token));
        HelpOption help = root.Options.OfType<HelpOption>().First();
        help.Action = new ExamplesHelp((HelpAction)help.Action!);
        return root;
    }

    private static string Path(ParseResult parsed) =>
        parsed.CommandResult.Command is RootCommand ? "" : parsed.CommandResult.Command.Name + " ";
}
