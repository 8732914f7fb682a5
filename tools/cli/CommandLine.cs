using System.CommandLine;
using System.CommandLine.Completions;
using System.CommandLine.Help;
using TinyMllm.Cli.Commands;
using TinyMllm.Cli.Support;
using TinyMllm.Kernels;

namespace TinyMllm.Cli;

/// <summary>Puts the commands together, runs the one that was asked for, and turns every failure into one line and an exit code.</summary>
internal static class CommandLine
{
    public static async Task<int> RunAsync(string[] args, Terminal terminal, Interrupts interrupts)
    {
        RootCommand root = Build(terminal, interrupts);
        ParseResult parsed = root.Parse(args, new ParserConfiguration { ResponseFileTokenReplacer = null }); // @FILE is a text of ours.
        bool verbose = args.Contains("--verbose");
        if (parsed.Errors.Count > 0 && parsed.Action is not (HelpAction or { ClearsParseErrors: true }))
        {
            terminal.ReportError($"{Problem(parsed)} (see tinymllm {Path(parsed)}--help)");
            return ExitCodes.BadInput;
        }

        try
        {
            _ = Isa.Current; // A wrong TINYMLLM_ISA is told before anything is loaded.
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
        SuggestDirective suggest = root.Directives.OfType<SuggestDirective>().First();
        suggest.Action = new CompletionAction(suggest);
        return root;
    }

    /// <summary>What is wrong with the arguments, in one line.</summary>
    private static string Problem(ParseResult parsed)
    {
        Command command = parsed.CommandResult.Command;
        if (parsed.UnmatchedTokens is not [{ Length: > 0 } unknown, ..])
        {
            // Without the name of a .NET type, tabs and line breaks.
            string message = parsed.Errors[0].Message.Split(" as expected type", 2)[0];
            return string.Join(' ', message.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)).TrimEnd('.');
        }

        if (unknown[0] == '-')
        {
            IEnumerable<string> options = command.Options.Concat(command.Parents.OfType<Command>().SelectMany(parent => parent.Options))
                .SelectMany(option => option.Aliases.Append(option.Name));
            return $"'{unknown}' is not an option{Suggestions.DidYouMean(unknown, options)}";
        }

        return command is RootCommand
            ? $"'{unknown}' is not a command{Suggestions.DidYouMean(unknown, command.Subcommands.Select(known => known.Name))}"
            : $"'{unknown}' is one argument too many";
    }

    private static string Path(ParseResult parsed) =>
        parsed.CommandResult.Command is RootCommand ? "" : parsed.CommandResult.Command.Name + " ";
}
