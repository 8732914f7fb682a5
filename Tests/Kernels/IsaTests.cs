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
    /// <summary>
    /// What may ask the processor: the value itself, hints that change no result, and two exact steps of pictures (an interleaving that .NET has no portable name for, a loop that is slower
    /// than plain code where vectors are emulated).
    /// </summary>
    private static readonly string[] Askers = ["Kernels/Isa.cs", "Kernels/CacheHint.cs", "Loaders/Images/Jpeg/Samples/Transpose8x8.cs", "Loaders/Images/Alpha.cs"];

    /// <summary>Where registers have names.</summary>
    private static readonly string[] Lanes = ["Kernels/Simd/", "Kernels/MatMul/Leaves/"];

    /// <summary>Other files and folders that speak of vectors of a width, and why <c>VectorLoop</c> does not serve them.</summary>
    private static readonly Dictionary<string, string> OtherVectors = new()
    {
        ["Kernels/MatMul/ActivationQuantizer.cs"] = "sums of pairs of 16-bit integers",
        ["Kernels/Resampling/"] = "a pixel is a vector of four on every machine, and sums are exact integers or double precision",
        ["Kernels/Quantization/"] = "encoders round groups of eight as the formats' reference does: the same bytes everywhere, and no token waits for them",
        ["Kernels/Formats/"] = "encoders, as in Kernels/Quantization",
        ["Engine/Sampling/"] = "comparisons of logits, which no width rounds",
        ["Loaders/Images/"] = "bytes and 16-bit integers of picture formats",
    };

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
    public void NothingElseAsksTheProcessor()
    {
        Assert.That(Sources(@"\b(IsSupported|IsHardwareAccelerated)\b|\bVector<", except: Askers), Is.Empty, "look the kernel up by Isa instead");
    }

    [Test]
    public void OnlyLanesAndLeavesKnowTheWidthOfAVector()
    {
        string[] files = [.. Sources(@"\bVector(64|128|256|512)\b|\bSystem\.Runtime\.Intrinsics\b", except: [.. Askers, .. Lanes])];
        Assert.That(files.Where(file => !OtherVectors.Keys.Any(file.StartsWith)), Is.Empty, "write it over IMathLanes, or say here why not");
        Assert.That(OtherVectors.Keys.Where(place => !files.Any(file => file.StartsWith(place, StringComparison.Ordinal))), Is.Empty, "the exception is not needed any more");
    }

    /// <summary>Source files of the engine that a pattern matches, named from the root of the repository with slashes.</summary>
    private static IEnumerable<string> Sources(string pattern, string[] except) =>
        from folder in new[] { "Kernels", "Engine", "Loaders", "Models", "tools" }
        from file in Directory.GetFiles(Path.Combine(Golden.Root, folder), "*.cs", SearchOption.AllDirectories)
        let name = Path.GetRelativePath(Golden.Root, file).Replace(Path.DirectorySeparatorChar, '/')
        where !name.Contains("/obj/") && !except.Any(name.StartsWith) && Regex.IsMatch(File.ReadAllText(file), pattern)
        select name;
}
