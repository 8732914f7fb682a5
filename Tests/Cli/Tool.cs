using TinyMllm.Cli;
using TinyMllm.Cli.Support;
using TinyMllm.Tests.Support;

namespace TinyMllm.Tests.Cli;

/// <summary>Runs the command line in this process, with its streams caught.</summary>
internal static class Tool
{
    public sealed record Result(int ExitCode, string Out, string Error)
    {
        /// <summary>Lines of standard error.</summary>
        public string[] ErrorLines => Error.Split('\n', StringSplitOptions.RemoveEmptyEntries);
    }

    public static string DemoFolder { get; } = Path.Combine(Golden.Root, "Models", "Demo");

    public static string DemoModel { get; } = Path.Combine(DemoFolder, "demo-q8_0.gguf");

    public static string DemoProjector { get; } = Path.Combine(DemoFolder, "demo-mmproj-q8_0.gguf");

    public static string Sample(string name) => Path.Combine(DemoFolder, "samples", name);

    /// <summary>
    /// Runs a shell script in which <c>tool</c> is the real program, with the descriptors that the script gives it. <c>$DEMO</c> is the
    /// folder of the demo model.
    /// </summary>
    /// <param name="script">Lines for <c>sh</c>.</param>
    /// <param name="folder">Where.</param>
    public static Shell.Result Script(string script, string folder) =>
        Shell.Try($"tool() {{ \"$DOTNET\" exec \"$TINYMLLM\" \"$@\"; }}\n{script}", folder, Environment);

    /// <summary>Where a script finds the program.</summary>
    public static IEnumerable<(string Name, string Value)> Environment =>
    [
        ("DOTNET", System.Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet"),
        ("TINYMLLM", Path.Combine(AppContext.BaseDirectory, "TinyMllm.Cli.dll")), ("DEMO", DemoFolder), ("LANG", "C.UTF-8"),
    ];

    public static Task<Result> RunAsync(params string[] args) => RunWithInputAsync("", args);

    public static async Task<Result> RunWithInputAsync(string input, params string[] args)
    {
        using var reader = new StringReader(input);
        using var output = new StringWriter { NewLine = "\n" };
        using var error = new StringWriter { NewLine = "\n" };
        using var interrupts = Interrupts.None();
        int code = await CommandLine.RunAsync(args, Terminal.Of(reader, output, error), interrupts);
        return new Result(code, output.ToString(), error.ToString());
    }
}
