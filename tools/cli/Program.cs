using TinyMllm.Cli.Support;

namespace TinyMllm.Cli;

internal static class Program
{
    public static async Task<int> Main(string[] args)
    {
        using var interrupts = Interrupts.OfConsole();
        return await CommandLine.RunAsync(args, Terminal.OfProcess(), interrupts).ConfigureAwait(false);
    }
}
