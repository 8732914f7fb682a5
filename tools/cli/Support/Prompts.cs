namespace TinyMllm.Cli.Support;

/// <summary>Texts given on the command line, in a file or on standard input.</summary>
internal static class Prompts
{
    public static string Read(string value, Terminal terminal) => value switch
    {
        "-" when terminal.In == TextReader.Null => throw new UsageException("-p - reads standard input, which is closed"),
        "-" => terminal.In.ReadToEnd(),
        _ => Inputs.Text(value),
    };
}
