using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;
using TinyMllm.Kernels;
using TinyMllm.Tests.Support;
using static TinyMllm.Tests.Support.Programs;

namespace TinyMllm.Tests.Api;

/// <summary>A program compiled ahead of time, as an app's author would publish it.</summary>
[TestFixture]
[Category("Slow")]
public sealed class AheadOfTimeTests
{
    [Test]
    public void AnAppCompiledAheadOfTimeAnswersWithWideKernels()
    {
        bool x64 = RuntimeInformation.ProcessArchitecture == Architecture.X64;
        if (x64 && !Avx2.IsSupported) Assert.Ignore("this processor has no AVX2, and the program would need it");
        string folder = Directory.CreateTempSubdirectory("tinymllm-aot-").FullName;
        try
        {
            string output = Path.Combine(folder, "out");
            (int code, string log) = TryRun("dotnet", Golden.Root, ["publish", Path.Combine("samples", "AskPicture"), "-c", "Release", "-r",
                RuntimeInformation.RuntimeIdentifier, "-p:PublishAot=true", "-p:TreatWarningsAsErrors=true", "--artifacts-path", folder, "-o", output]);
            if (code != 0 && log.Contains("NU110", StringComparison.Ordinal)) Assert.Ignore("no registry here has the ahead-of-time compiler for this system");
            if (code != 0 && log.Contains("linker", StringComparison.OrdinalIgnoreCase) && log.Contains("not found", StringComparison.Ordinal))
                Assert.Ignore("this machine has no linker: install clang and lld (Debian: apt-get install clang lld zlib1g-dev)");
            Assert.That(code, Is.Zero, log);
            if (x64) Assert.That(log.Split('\n').Count(line => line.Contains("IlcInstructionSet is set to x86-64-v3", StringComparison.Ordinal)), Is.EqualTo(1), log);

            string app = Path.Combine(output, OperatingSystem.IsWindows() ? "AskPicture.exe" : "AskPicture");
            string answer = Run(app, folder, Demo.ModelPath, Demo.ProjectorPath, Demo.Sample("pizza"));
            Assert.That(answer, Does.Contain("a pizza"));

            // AVX-VNNI is no part of the level; the program asks the processor for it, as it does on Arm64 for the dot product.
            Isa wide = AvxVnni.IsSupported ? Isa.Avx2Vnni : Isa.Avx2, narrow = Dp.IsSupported ? Isa.AdvSimdDot : Isa.AdvSimd;
            Assert.That(answer, Does.Match($"kernels: {(x64 ? wide : narrow)}\\b"));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }
}
