using System.Diagnostics;

namespace TinyMllm.Tests.Support;

/// <summary>Runs other programs to their end.</summary>
internal static class Programs
{
    /// <summary>Runs <c>dotnet</c>, which must succeed.</summary>
    public static void Dotnet(string folder, params string[] args) => Run("dotnet", folder, args);

    /// <summary>Runs a program, which must succeed; gives what it wrote.</summary>
    public static string Run(string program, string folder, params string[] args)
    {
        (int code, string output) = TryRun(program, folder, args);
        Assert.That(code, Is.Zero, $"{program} {string.Join(' ', args)}\n{output}");
        return output;
    }

    /// <summary>Runs a program; gives its exit code and what it wrote, standard error last.</summary>
    public static (int Code, string Output) TryRun(string program, string folder, string[] args)
    {
        var start = new ProcessStartInfo(program, args) { WorkingDirectory = folder, RedirectStandardOutput = true,
            RedirectStandardError = true, UseShellExecute = false };
        start.Environment["MSBUILDDISABLENODEREUSE"] = "1";
        start.Environment["DOTNET_CLI_TELEMETRY_OPTOUT"] = "1";
        start.Environment["DOTNET_NOLOGO"] = "1";
        using Process process = Process.Start(start)!;
        Task<string> error = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, output + error.Result);
    }
}
