using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using TinyMllm.Cli.Commands;

namespace TinyMllm.Cli.Support;

/// <summary>The usual help, then the command's examples, and for the whole program its exit codes.</summary>
internal sealed class ExamplesHelp(HelpAction usual) : SynchronousCommandLineAction
{
    public override bool ClearsParseErrors => true;

    public override int Invoke(ParseResult parseResult)
    {
        int result = usual.Invoke(parseResult);
        TextWriter output = parseResult.InvocationConfiguration.Output;
        IReadOnlyList<string> examples = parseResult.CommandResult.Command is CliCommand command
            ? command.Examples
            : ["tinymllm", "tinymllm pull smolvlm:256m", "tinymllm run -m smolvlm:256m --image cat.jpg -p \"What is in this picture?\"",
                "tinymllm chat -m smolvlm:500m"];
        output.WriteLine("Examples:");
        foreach (string example in examples) output.WriteLine("  " + example);
        if (parseResult.CommandResult.Command is RootCommand)
        {
            output.WriteLine();
            output.WriteLine("Exit codes:");
            output.WriteLine($"  {ExitCodes.Success}    all went well");
            output.WriteLine($"  {ExitCodes.Partial}    done, but some pictures failed or some answers were wrong");
            output.WriteLine($"  {ExitCodes.BadInput}    bad arguments, a bad file or model, a hub that refuses; one line on standard error says why");
            output.WriteLine($"  {ExitCodes.InternalError}   a defect of this program");
            output.WriteLine($"  {ExitCodes.Interrupted}  stopped by Ctrl-C");
            output.WriteLine($"  {ExitCodes.OutputClosed}  stopped because the reader of standard output left (tinymllm … | head)");
        }

        output.WriteLine();
        return result;
    }
}
