using System.Diagnostics;
using System.Runtime.Intrinsics.X86;
using System.Text.RegularExpressions;
using TinyMllm.Kernels.MatMul;
using TinyMllm.Tests.Support;

namespace TinyMllm.Tests.Kernels;

/// <summary>
/// The loops behind the machine's peak do in each round what they count, in registers. What the JIT makes of them is read from its listing, for each instruction set that
/// this processor has.
/// </summary>
[TestFixture]
public sealed partial class PeakLoopTests
{
    /// <summary>The instruction that multiplies and how many of them a round has, by the leaf; a listing names the leaf before the floats.</summary>
    private static readonly (string Leaf, string Instruction, int Count)[] Multiplications =
    [
        ("Vnni", "vpdpbusd", 8),
        ("WideProduct512", "vpmaddwd", 8),
        ("Int16Dot", "vpmaddubsw", 8),
        ("SignProduct256", "vpmaddubsw", 8),
        ("Ssse3Product", "v?pmaddubsw", 4),
        ("PortableProduct", "v?pmullw", 8),
        ("Float32x16", "vfmadd[0-9]+ps", 8),
        ("Float32x8x2", "vfmadd[0-9]+ps", 8),
        ("Float32x4x4", "(v?mulps|vfmadd[0-9]+ps)", 8),
    ];

    [Category("NotEmulated")]
    [TestCase("")]
    [TestCase("DOTNET_EnableAVXVNNI=0")]
    [TestCase("DOTNET_EnableAVX512=0")]
    [TestCase("DOTNET_EnableAVX512=0 DOTNET_EnableAVXVNNI=0")]
    [TestCase("DOTNET_EnableAVX2=0")]
    [TestCase("TINYMLLM_ISA=portable")]
    public void TheLoopsMultiplyInRegisters(string settings)
    {
        if (!X86Base.IsSupported) Assert.Ignore("the listing is read for x64 only");
        MatchCollection loops = LoopPattern().Matches(Listing(settings));
        Assert.That(loops, Has.Count.EqualTo(3));
        foreach (Match loop in loops)
        {
            string name = loop.Groups["name"].Value, body = loop.Groups["body"].Value;
            Assert.That(body, Does.Not.Match(@"\[(rbp|rsp)"), $"{name} spills");
            (_, string instruction, int count) = Multiplications.First(entry => name.Contains(entry.Leaf, StringComparison.Ordinal));
            Assert.That(Regex.Count(body, $@"\b{instruction} "), Is.EqualTo(count), $"{name}:\n{body}");
        }
    }

    /// <summary>16 rows for each of the accumulators, 4 products of bytes or 1 of floats.</summary>
    [Test]
    public void AllLoopsCountEveryRoundAlike()
    {
        foreach (Func<int, long> loop in new Func<int, long>[] { PeakLoops.Int8, PeakLoops.Int4, PeakLoops.Single })
        {
            Assert.That(loop(0), Is.Zero);
            Assert.That(loop(1), Is.Positive);
            Assert.That(loop(1000), Is.EqualTo(1000 * loop(1)));
        }
    }

    /// <summary>What the JIT prints while another process measures the peak.</summary>
    private static string Listing(string settings)
    {
        string listing = Path.GetTempFileName();
        try
        {
            string demo = Path.Combine(Golden.Root, "Models", "Demo");
            var start = new ProcessStartInfo("dotnet", [Path.Combine(AppContext.BaseDirectory, "TinyMllm.Cli.dll"), "bench", "-m", Path.Combine(demo, "demo-q8_0.gguf"), "-p", "1", "-n", "0", "-r", "1", "-t", "1"])
            {
                RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false,
            };
            start.Environment["DOTNET_JitStdOutFile"] = listing;
            start.Environment["DOTNET_JitDisasm"] = "TinyMllm.Kernels.MatMul.PeakLoops:Integer* TinyMllm.Kernels.MatMul.PeakLoops:Float*";
            foreach (string setting in settings.Split(' ', StringSplitOptions.RemoveEmptyEntries)) start.Environment[setting.Split('=')[0]] = setting.Split('=')[1];
            using Process process = Process.Start(start)!;
            Task<string> error = process.StandardError.ReadToEndAsync();
            string output = process.StandardOutput.ReadToEnd();
            process.WaitForExit();
            Assert.That(process.ExitCode, Is.Zero, output + error.Result);
            return File.ReadAllText(listing);
        }
        finally
        {
            File.Delete(listing);
        }
    }

    /// <summary>A method with its type arguments, and the code from the first label that a later jump goes back to, to that jump.</summary>
    [GeneratedRegex(@"listing for method (?<name>\S+)(?:(?!listing for method)[\s\S])*?\n(?<label>G_M\w+):(?<body>(?:(?!listing for method)[\s\S])*?\n\s+j\w+\s+(?:SHORT )?\k<label>)")]
    private static partial Regex LoopPattern();
}
