using System.CommandLine;
using System.CommandLine.Completions;
using System.CommandLine.Invocation;
using System.CommandLine.Parsing;
using System.Globalization;

namespace TinyMllm.Cli.Support;

/// <summary>
/// What the shells' scripts ask for: the words that the one at the cursor can become, one per line. Only those that begin with it count;
/// options come only behind a dash, so that the shell offers files where none of our words fit.
/// </summary>
internal sealed class CompletionAction(SuggestDirective directive) : SynchronousCommandLineAction
{
    public override bool ClearsParseErrors => true;

    public override int Invoke(ParseResult parseResult)
    {
        string line = parseResult.Tokens.LastOrDefault(token => token.Type != TokenType.Directive)?.Value ?? "";
        int position = int.TryParse(parseResult.GetResult(directive)?.Values.FirstOrDefault(), CultureInfo.InvariantCulture, out int given)
            ? Math.Clamp(given, 0, 1 << 16) : line.Length;
        line = line.PadRight(position)[..position]; // Some shells leave out blanks at the end.
        string word = line[(line.LastIndexOf(' ') + 1)..];
        ParseResult soFar = parseResult.RootCommandResult.Command.Parse(line, parseResult.Configuration);
        foreach (CompletionItem item in soFar.GetCompletions(position))
        {
            string text = item.InsertText ?? item.Label;
            bool option = text[0] is '-' or '/';
            if (option ? word is ['-', ..] && text.StartsWith("--", StringComparison.Ordinal) && Fits(text) : Fits(text))
                parseResult.InvocationConfiguration.Output.WriteLine(text);
        }

        return ExitCodes.Success;

        bool Fits(string text) => text.StartsWith(word, StringComparison.OrdinalIgnoreCase);
    }
}
