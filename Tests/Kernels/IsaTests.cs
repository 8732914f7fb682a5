using System.Diagnostics;
using System.Runtime.Intrinsics.X86;
using System.Text.RegularExpressions;
using TinyMllm.Kernels;
using TinyMllm.Tests.Cli;
using TinyMllm.Tests.Support;

namespace TinyMllm.Tests.Kernels;

/// <summary>The instruction set is a value: detected once, named, forced from outside, asked for nowhere else.</summary>
[TestFixture]
public sealed class IsaTests
{
    /// <summary>What may ask the processor: the value itself, and hints that change no result.</summary>
    private static readonly string[] Askers = ["Isa.cs", "CacheHint.cs"];

    [Test]
    public void TheBestIsTheLastOfTheSupportedOnes()
    {
        Assert.That(Isa.Supported[0], Is.EqualTo(Isa.Portable));
        Assert.That(Isa.Supported, Is.Ordered.And.Unique);
        Assert.That(Isa.Best, Is.EqualTo(Isa.Supported[^1]));
        Assert.That(Isa.Supported.All(isa => isa.IsSupported));
    }

    [Test]
    public void NamesAreReadBack([Values] Isa isa)
    {
        Assert.That(isa.Name, Is.EqualTo(isa.ToString().ToLowerInvariant()));
        if (isa.IsSupported) Assert.That(Isa.Parse(isa.Name), Is.EqualTo(isa));
        else Assert.That(() => Isa.Parse(isa.Name), Throws.TypeOf<UnsupportedIsaException>().With.Message.Contains(isa.Name).And.Message.Contains("portable"));
    }

    [TestCase("avx9")]
    [TestCase("PORTABLE")]
    [TestCase(" portable")]
    public void OtherNamesAreRefused(string name)
    {
        Assert.That(() => Isa.Parse(name), Throws.TypeOf<UnsupportedIsaException>().With.Message.Contains($"'{name}'"));
        Assert.That(() => InstructionSets.Choose(name), Throws.TypeOf<UnsupportedIsaException>().With.Message.StartsWith("TINYMLLM_ISA: "));
    }

    /// <summary>Only code that was built for .NET 11 can ask for it, and all code that runs there should have been.</summary>
    [Test]
    public void VnniOf512BitsIsUsedWhereTheRuntimeHasIt()
    {
        Type? runtime = typeof(AvxVnni).GetNestedType("V512");
        Assert.That(runtime is not null, Is.EqualTo(Environment.Version.Major >= 11));
        bool there = runtime?.GetProperty("IsSupported")?.GetValue(null) is true;
        Assert.That(Isa.Avx512Vnni512.IsSupported, Is.EqualTo(there && Isa.Avx512.IsSupported));
    }

    [Test]
    public void TheEnvironmentChooses()
    {
        Assert.That(InstructionSets.Choose(null), Is.EqualTo(Isa.Best));
        Assert.That(InstructionSets.Choose(""), Is.EqualTo(Isa.Best));
        Assert.That(InstructionSets.Choose("portable"), Is.EqualTo(Isa.Portable));
    }

    [Category("NotEmulated")]
    [TestCase("portable", 0, "portable, as TINYMLLM_ISA says: 4 floats per vector")]
    [TestCase("avx9", 2, "'avx9'")]
    public void TheToolObeysTheEnvironment(string name, int exitCode, string told)
    {
        var start = new ProcessStartInfo("dotnet", [Path.Combine(AppContext.BaseDirectory, "TinyMllm.Cli.dll"), "inspect", "--machine"]) { RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment[InstructionSets.Variable] = name;
        using var process = Process.Start(start)!;
        Task<string> error = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.That(process.ExitCode, Is.EqualTo(exitCode), output + error.Result);
        Assert.That(exitCode == 0 ? output : error.Result, Does.Contain(told));
    }

    [Test]
    [Category("NotEmulated")]
    public async Task BenchTakesTheSetByName()
    {
        Isa before = Isa.Current;
        var run = await Tool.RunAsync("bench", "-m", Tool.DemoModel, "-p", "4", "-n", "0", "-r", "1", "--isa", "portable", "--json");
        Assert.That(run.ExitCode, Is.Zero, run.Error);
        Assert.That(run.Out, Does.Contain("\"isa\": \"portable\""));
        Assert.That(run.Error, Does.Contain("peak of portable"));
        Assert.That(Isa.Current, Is.EqualTo(before));
        run = await Tool.RunAsync("bench", "-m", Tool.DemoModel, "--isa", "avx9");
        Assert.That(run.ExitCode, Is.EqualTo(2));
        Assert.That(run.ErrorLines[^1], Does.Contain("'avx9'").And.Contain("portable"));
    }

    [Test]
    public async Task InspectTellsTheMachine()
    {
        var run = await Tool.RunAsync("inspect", "--machine");
        Assert.That(run.ExitCode, Is.Zero, run.Error);
        Assert.That(run.Out, Does.Contain(string.Join(", ", Isa.Supported.Select(isa => isa.Name))).And.Contain($"{Isa.Current.Name}"));
        Assert.That((await Tool.RunAsync("inspect")).ExitCode, Is.EqualTo(2));
        Assert.That((await Tool.RunAsync("inspect", Tool.DemoModel, "--machine")).ExitCode, Is.EqualTo(2));
    }

    [Test]
    public void KernelsAskTheProcessorNothing()
    {
        string folder = Path.Combine(Golden.Root, "Kernels");
        var asked = Directory.GetFiles(folder, "*.cs", SearchOption.AllDirectories)
            .Where(file => !file.Contains($"{Path.DirectorySeparatorChar}obj{Path.DirectorySeparatorChar}") && !Askers.Contains(Path.GetFileName(file)))
            .Where(file => Regex.IsMatch(File.ReadAllText(file), @"\b(IsSupported|IsHardwareAccelerated)\b|\bVector<"))
            .Select(file => Path.GetRelativePath(folder, file));
        Assert.That(asked, Is.Empty, "look the kernel up by Isa instead");
    }
}
