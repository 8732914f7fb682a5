namespace TinyMllm.Cli.Support;

/// <summary>Texts given on the command line, in a file or on standard input.</summary>
internal static class Prompts
{
    public static string Read(string value) => value switch
    {
        "-" => Console.In.ReadToEnd(),
        ['@', ..] => File.ReadAllText(value[1..]),
        _ => value,
    };
}
