using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;

namespace TinyMllm.Kernels;

/// <summary>
/// The instruction sets that kernels are written for, each with everything that a machine of its kind can be counted on to have. A kernel is looked up by weight format and
/// instruction set; nothing else in this library asks the processor what it can do.
/// </summary>
/// <remarks>
/// <see cref="InstructionSets"/> adds <c>Isa.Best</c>, <c>Isa.Supported</c> and <c>Isa.Current</c>. All sets give the same integers, so that results differ by the rounding of float sums alone.
/// The order is that of speed on a machine which runs several, and that of width.
/// </remarks>
public enum Isa
{
    /// <summary>128-bit vectors in plain C#, whatever the processor: WebAssembly, old machines, interpreters.</summary>
    Portable,

    /// <summary>x64 without AVX2, also what NativeAOT takes for x64 unless told otherwise: 128-bit vectors, <c>pmaddubsw</c>.</summary>
    Ssse3,

    /// <summary>Arm64: 128-bit NEON, widening multiplications.</summary>
    AdvSimd,

    /// <summary>Arm64 with <c>sdot</c> (Armv8.2 and later): four 8-bit products per lane and instruction.</summary>
    AdvSimdDot,

    /// <summary>Haswell to Zen 3: 256-bit vectors, fused multiply-add, <c>vpmaddubsw</c>.</summary>
    Avx2,

    /// <summary>AVX2 with AVX-VNNI's <c>vpdpbusd</c> on 256 bits: Alder Lake and its successors.</summary>
    Avx2Vnni,

    /// <summary>AVX-512 F, BW and VL without a <c>vpdpbusd</c> that .NET can reach: Skylake-X and Cascade Lake, under .NET 10 Ice Lake and Zen 4 too.</summary>
    Avx512,

    /// <summary>AVX-512 with AVX-VNNI's <c>vpdpbusd</c> on 256 bits: Sapphire Rapids, Zen 5.</summary>
    Avx512Vnni,

    /// <summary>AVX-512 with <c>vpdpbusd</c> on 512 bits, which takes .NET 11.</summary>
    Avx512Vnni512,
}

/// <summary>The machine's instruction sets: <c>Isa.Best</c>, <c>Isa.Supported</c>, <c>Isa.Current</c>, and what each can do.</summary>
public static class InstructionSets
{
    /// <summary>The environment variable that makes kernels use another set than the best: a name of <see cref="Isa"/> in lower case.</summary>
    public const string Variable = "TINYMLLM_ISA";

    // The present set plus one; zero until someone asks, so that reading it needs no check whether this class is initialised.
    private static int _current;

    extension(Isa isa)
    {
        /// <summary>True if this machine and runtime can run the set.</summary>
        public bool IsSupported => isa switch
        {
            Isa.Portable => true,
            Isa.Ssse3 => HasSsse3,
            Isa.AdvSimd => HasAdvSimd,
            Isa.AdvSimdDot => HasAdvSimdDot,
            Isa.Avx2 => HasAvx2,
            Isa.Avx2Vnni => HasAvx2Vnni,
            Isa.Avx512 => HasAvx512,
            Isa.Avx512Vnni => HasAvx512Vnni,
            Isa.Avx512Vnni512 => HasAvx512Vnni512,
            _ => false,
        };

        /// <summary>The name in lower case, as the environment variable and the command line take it.</summary>
        public string Name => isa.ToString().ToLowerInvariant();

        /// <summary>Single-precision numbers in one register: 4, 8 or 16.</summary>
        public int Lanes => isa >= Isa.Avx512 ? 16 : isa >= Isa.Avx2 ? 8 : 4;
    }

    extension(Isa)
    {
        /// <summary>The fastest set that this machine runs.</summary>
        public static Isa Best => Isa.Supported[^1];

        /// <summary>All sets that this machine runs, the slowest first.</summary>
        public static IReadOnlyList<Isa> Supported => [.. Enum.GetValues<Isa>().Where(isa => isa.IsSupported)];

        /// <summary>
        /// The set that kernels use: <c>Isa.Best</c>, unless the environment variable <see cref="Variable"/> or an assignment names another. Matrices keep the one
        /// under which they were loaded. Assign it before anything is computed: a change in between changes the rounding of later sums.
        /// </summary>
        /// <exception cref="UnsupportedIsaException">The variable or the assigned value names a set that does not exist or that this machine cannot run.</exception>
        public static Isa Current
        {
            [MethodImpl(MethodImplOptions.AggressiveInlining)]
            get => _current > 0 ? (Isa)(_current - 1) : Detect();
            set => _current = (int)Require(value) + 1;
        }

        /// <summary>The set called <paramref name="name"/>, in lower case.</summary>
        /// <exception cref="UnsupportedIsaException">There is no such set, or this machine cannot run it.</exception>
        public static Isa Parse(string name)
        {
            foreach (Isa isa in Enum.GetValues<Isa>())
                if (isa.Name == name) return Require(isa);
            throw new UnsupportedIsaException($"there is no instruction set '{name}'; this machine runs {Names()}");
        }
    }

    // One predicate each; kernel tables name them beside the set, so that a compiler ahead of time leaves out what its target cannot run.

    internal static bool HasSsse3 => Ssse3.IsSupported;

    internal static bool HasAdvSimd => AdvSimd.Arm64.IsSupported;

    internal static bool HasAdvSimdDot => AdvSimd.Arm64.IsSupported && Dp.IsSupported;

    internal static bool HasAvx2 => Avx2.IsSupported && Fma.IsSupported;

    internal static bool HasAvx2Vnni => HasAvx2 && AvxVnni.IsSupported;

    internal static bool HasAvx512 => HasAvx2 && Avx512BW.VL.IsSupported;

    internal static bool HasAvx512Vnni => HasAvx512 && AvxVnni.IsSupported;

#if NET11_0_OR_GREATER
    internal static bool HasAvx512Vnni512 => HasAvx512 && AvxVnni.V512.IsSupported;
#else
    internal static bool HasAvx512Vnni512 => false;
#endif

    /// <summary>What kernels use where the environment says <paramref name="wanted"/>.</summary>
    internal static Isa Choose(string? wanted)
    {
        if (string.IsNullOrEmpty(wanted)) return Isa.Best;
        try
        {
            return Isa.Parse(wanted);
        }
        catch (UnsupportedIsaException problem)
        {
            throw new UnsupportedIsaException($"{Variable}: {problem.Message}");
        }
    }

    /// <summary><paramref name="isa"/> itself, if this machine runs it.</summary>
    internal static Isa Require(Isa isa)
    {
        if (isa.IsSupported) return isa;
        string needs = isa == Isa.Avx512Vnni512 && Environment.Version.Major < 11 ? ", which takes .NET 11" : "";
        throw new UnsupportedIsaException($"this machine cannot run the instruction set '{isa.Name}'{needs}; it runs {Names()}");
    }

    private static Isa Detect() => Isa.Current = Choose(Environment.GetEnvironmentVariable(Variable));

    private static string Names() => string.Join(", ", Isa.Supported.Select(isa => isa.Name));
}

/// <summary>An instruction set was asked for that does not exist or that this machine cannot run; the message lists those that it can.</summary>
public sealed class UnsupportedIsaException(string message) : TinyMllmException(TinyMllmErrorKind.UnsupportedMachine, message);
