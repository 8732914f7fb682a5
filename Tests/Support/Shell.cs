using System.Diagnostics;

namespace TinyMllm.Tests.Support;

/// <summary>Lets the system's shell do what .NET cannot: named pipes, hard links, closed descriptors.</summary>
internal static class Shell
{
    /// <summary>A hang is a failure; nothing here takes a fraction of this.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromMinutes(5);

    /// <summary>What a script did.</summary>
    /// <param name="ExitCode">Its exit code.</param>
    /// <param name="Out">Standard output.</param>
    /// <param name="Error">Standard error.</param>
    public sealed record Result(int ExitCode, string Out, string Error)
    {
        /// <summary>Lines of standard output.</summary>
        public string[] OutLines => Out.Split('\n', StringSplitOptions.RemoveEmptyEntries);
    }

    /// <summary>Runs a script that must succeed.</summary>
    public static Result Run(string script)
    {
        Result result = Try(script, Path.GetTempPath(), []);
        Assert.That(result.ExitCode, Is.Zero, $"{script}\n{result.Error}");
        return result;
    }

    /// <summary>Runs a script.</summary>
    /// <param name="script">Lines for <c>sh</c>.</param>
    /// <param name="folder">Where.</param>
    /// <param name="environment">More variables.</param>
    public static Result Try(string script, string folder, IEnumerable<(string Name, string Value)> environment)
    {
        var start = new ProcessStartInfo("sh", ["-c", script])
        {
            WorkingDirectory = folder, RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true,
        };
        foreach ((string name, string value) in environment) start.Environment[name] = value;
        using Process process = Process.Start(start)!;
        process.StandardInput.Close();
        Task<string> output = process.StandardOutput.ReadToEndAsync(), error = process.StandardError.ReadToEndAsync();
        if (!Task.WaitAll([output, error], Patience) || !process.WaitForExit(Patience))
        {
            process.Kill(entireProcessTree: true);
            Assert.Fail($"it hangs: {script}");
        }

        return new Result(process.ExitCode, output.Result, error.Result);
    }
}
