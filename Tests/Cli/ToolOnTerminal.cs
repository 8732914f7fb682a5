using System.Diagnostics;
using System.Text;
using TinyMllm.Tests.Support;

namespace TinyMllm.Tests.Cli;

/// <summary>The real program on a terminal of its own, which the system's <c>script</c> command makes.</summary>
internal sealed class ToolOnTerminal : IDisposable
{
    private readonly Process _process;
    private readonly StringBuilder _output = new();
    private readonly Task _reading;
    private int _seen;

    private ToolOnTerminal(string arguments, string folder)
    {
        string command = $"stty cols 120 rows 40; exec \"$DOTNET\" exec \"$TINYMLLM\" {arguments}";
        string[] script = OperatingSystem.IsMacOS() ? ["-q", "/dev/null", "sh", "-c", command] : ["-qefc", command, "/dev/null"];
        var start = new ProcessStartInfo("script", script)
        {
            WorkingDirectory = folder, RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true,
        };
        foreach ((string name, string value) in Tool.Environment) start.Environment[name] = value;
        start.Environment["TERM"] = "xterm-256color";
        start.Environment["SHELL"] = "/bin/sh";
        start.Environment["HOME"] = folder;
        _process = Process.Start(start)!;
        _reading = Task.Run(Read);
    }

    /// <summary>What the terminal was sent.</summary>
    public string Output
    {
        get
        {
            lock (_output) return _output.ToString();
        }
    }

    /// <summary>Starts the program.</summary>
    /// <param name="arguments">For the shell; <c>$DEMO</c> is the folder of the demo model.</param>
    /// <param name="folder">Where; it is the home folder, too.</param>
    public static ToolOnTerminal Start(string arguments, string folder)
    {
        if (!Environment.GetEnvironmentVariable("PATH")!.Split(Path.PathSeparator).Any(place => File.Exists(Path.Combine(place, "script"))))
            Assert.Ignore("the script command, which makes a terminal, is not installed here (util-linux)");
        return new ToolOnTerminal(arguments, folder);
    }

    /// <summary>Waits for a text that was not waited for before.</summary>
    public ToolOnTerminal Expect(string text)
    {
        ExpectEither(text, text);
        return this;
    }

    /// <summary>Waits for one of two texts; true if it is the first.</summary>
    public bool ExpectEither(string first, string second)
    {
        long start = Stopwatch.GetTimestamp();
        while (true)
        {
            bool ended = _reading.IsCompleted;
            string output = Output;
            foreach (string text in new[] { first, second })
            {
                int found = output.IndexOf(text, _seen, StringComparison.Ordinal);
                if (found < 0) continue;
                _seen = found + text.Length;
                return text == first;
            }

            if (ended || Stopwatch.GetElapsedTime(start) > Shell.Patience) Assert.Fail($"no '{first}' in\n{output[_seen..]}");
            Thread.Sleep(2);
        }
    }

    public ToolOnTerminal Type(string keys)
    {
        _process.StandardInput.Write(keys);
        _process.StandardInput.Flush();
        return this;
    }

    /// <summary>Types a line when it is asked for.</summary>
    public ToolOnTerminal Enter(string line, string prompt = "> ") => Expect("\r" + prompt).Type(line + "\r");

    /// <summary>Waits for the end.</summary>
    public int End()
    {
        Assert.That(_process.WaitForExit(Shell.Patience), Output);
        Assert.That(_reading.Wait(Shell.Patience), "its output has no end");
        return _process.ExitCode;
    }

    public void Dispose()
    {
        if (!_process.HasExited) _process.Kill(entireProcessTree: true);
        _process.Dispose();
    }

    private async Task Read()
    {
        char[] buffer = new char[4096];
        int read;
        while ((read = await _process.StandardOutput.ReadAsync(buffer)) > 0)
        {
            lock (_output) _output.Append(buffer, 0, read);
        }
    }
}
