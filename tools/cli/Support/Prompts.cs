namespace TinyMllm.Cli.Support;

/// <summary>Texts given on the command line, in a file or on standard input.</summary>
internal static class Prompts
{
    public static string Read(string value, Terminal terminal) => value switch
    {
        "-" => terminal.In.ReadToEnd(),
        _ => Inputs.Text(value),
    };
}
