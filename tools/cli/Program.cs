using TinyMllm.Cli.Support;

namespace TinyMllm.Cli;

internal static class Program
{
    public static Task<int> Main(string[] args)
    {
        using var interrupts = Interrupts.OfConsole();
        return CommandLine.RunAsync(args, Terminal.OfProcess(), interrupts);
    }
}
