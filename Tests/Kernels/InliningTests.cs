using System.Diagnostics;
using System.Text.RegularExpressions;
using TinyMllm.Kernels;

namespace TinyMllm.Tests.Kernels;

/// <summary>
/// The JIT's inlining has a cliff: beyond 512 local variables in a method, or beyond its budget, it calls the leaves of a kernel instead of inlining them, which makes it ten times as slow and
/// spills every sum. A kernel that spills more than a page calls too, to probe its stack. The results stay right, so that only the code itself tells; it is read from the JIT's listing, for each
/// instruction set that this processor has.
/// </summary>
[TestFixture]
public sealed partial class InliningTests
{
    /// <summary>The methods with the inner loops.</summary>
    private const string Methods = "TinyMllm.Kernels.MatMul.QuantizedTile*:Multiply TinyMllm.Kernels.MatMul.FloatTile*:Tile *:SingleRow *:UnpackByPart *:UnpackByQuad *:UnpackPlanes *:UnpackScales *:Quantize "
        + "*:Compensate *:ScaledSums *:WidenHalf *:WidenKeys *:WidenValues";

    private static IReadOnlyList<Isa> Isas => Isa.Supported;

    [Test]
    public void NoInnerLoopCallsAnything([ValueSource(nameof(Isas))] Isa isa)
    {
        string[] listings = [.. Listing(isa).Split("; Assembly listing for method ").Where(listing => listing.StartsWith("TinyMllm.Kernels.", StringComparison.Ordinal))];
        Assert.That(listings, Has.Length.GreaterThan(30), "the kernels are in the listing");
        Assert.That(listings.Select(Calls).Where(calls => calls is not null), Is.Empty);
    }

    /// <summary>The method of a listing with its calls, or null if it has none.</summary>
    private static string? Calls(string listing)
    {
        MatchCollection calls = CallPattern().Matches(listing);
        return calls.Count == 0 ? null : $"{listing[..listing.IndexOf('\n')]}: {string.Join(", ", calls.Select(call => call.Value.Trim()).Distinct())}";
    }

    /// <summary>What the JIT prints while another process runs the products of all formats, and attention, under <paramref name="isa"/>.</summary>
    private static string Listing(Isa isa)
    {
        string listing = Path.GetTempFileName();
        try
        {
            string tests = $@"MatMulTests\.PanelsAloneAndTogetherGiveTheSameBits\({isa},|Kernels\.AttentionTests\.EveryWidthIsTheOracle\({isa},.*,1,37\)";
            // The tests are a program: started by dotnet, or by itself where it brings the runtime along.
            bool selfContained = File.Exists(Path.Combine(AppContext.BaseDirectory, "System.Private.CoreLib.dll"));
            var start = new ProcessStartInfo { FileName = selfContained ? Environment.ProcessPath! : "dotnet", RedirectStandardOutput = true, RedirectStandardError = true };
            if (!selfContained) start.ArgumentList.Add(typeof(InliningTests).Assembly.Location);
            start.ArgumentList.Add(tests);
            start.Environment["DOTNET_JitStdOutFile"] = listing;
            start.Environment["DOTNET_JitDisasm"] = Methods;
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

    [GeneratedRegex(@"\n\s+(call|bl|blr)\s[^\n]*")]
    private static partial Regex CallPattern();
}
