using System.CommandLine;
using System.CommandLine.Completions;
using System.CommandLine.Help;
using System.CommandLine.Parsing;
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
            bool known = UnknownCommand(parsed) is null;
            terminal.ReportError($"{Problem(parsed)} (see tinymllm {(known ? Path(parsed) : "")}--help)");
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
        catch (StandardOutputException failure)
        {
            if (failure.Closed) return ExitCodes.OutputClosed;
            terminal.ReportError(failure.Message);
            return ExitCodes.BadInput;
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
        if (UnknownCommand(parsed) is { } name)
        {
            IEnumerable<string> commands = parsed.RootCommandResult.Command.Subcommands.Select(known => known.Name);
            return $"'{name}' is not a command{Suggestions.DidYouMean(name, commands)}";
        }

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

        return $"'{unknown}' is one argument too many";
    }

    /// <summary>
    /// The word in the place of a command that is none, or null. The parser would go on and take a later word for the command, such as the
    /// demo of <c>rnu -m demo</c>.
    /// </summary>
    private static string? UnknownCommand(ParseResult parsed)
    {
        Token? first = parsed.Tokens.FirstOrDefault(token => token.Type is TokenType.Command or TokenType.Argument);
        return first is { Type: TokenType.Argument, Value: [not '-', ..] } ? first.Value : null;
    }

    private static string Path(ParseResult parsed) =>
        parsed.CommandResult.Command is RootCommand ? "" : parsed.CommandResult.Command.Name + " ";
}
