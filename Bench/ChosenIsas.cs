using TinyMllm.Kernels;

namespace TinyMllm.Bench;

/// <summary>
/// The instruction sets that kernels are timed under: all that this machine runs, or those that <c>--isa</c> names, separated by commas. Each is a parameter of its own, so that every line of a
/// table says which ran.
/// </summary>
public static class ChosenIsas
{
    /// <summary>The option of the command line.</summary>
    public const string Option = "--isa";

    /// <summary>Tells the choice to the processes in which BenchmarkDotNet runs the benchmarks.</summary>
    private const string Variable = "TINYMLLM_BENCH_ISA";

    /// <summary>The chosen sets.</summary>
    public static IReadOnlyList<Isa> All
    {
        get
        {
            string? names = Environment.GetEnvironmentVariable(Variable);
            return string.IsNullOrEmpty(names) ? Isa.Supported : [.. names.Split(',').Select(Isa.Parse)];
        }
    }

    /// <summary>Takes the option out of the command line; the rest is BenchmarkDotNet's.</summary>
    /// <exception cref="UnsupportedIsaException">A name is none of a set, or of one that this machine cannot run.</exception>
    public static string[] Take(string[] args)
    {
        int option = Array.IndexOf(args, Option);
        if (option < 0) return args;
        if (option + 1 == args.Length) throw new UnsupportedIsaException($"{Option} needs a name; this machine runs {string.Join(", ", Isa.Supported.Select(isa => isa.Name))}");
        Environment.SetEnvironmentVariable(Variable, args[option + 1]);
        _ = All;
        return [.. args[..option], .. args[(option + 2)..]];
    }
}
