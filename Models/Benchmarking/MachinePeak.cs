using System.Diagnostics;
using TinyMllm.Engine;
using TinyMllm.Kernels.Formats;
using TinyMllm.Kernels.MatMul;
using TinyMllm.Kernels.Quantization;

namespace TinyMllm.Benchmarking;

/// <summary>What this machine reaches at most with a number of threads, measured at the time: neighbours on a shared machine count.</summary>
/// <param name="Threads">Threads that ran together.</param>
/// <param name="Int8">10⁹ multiply-adds per second of 8-bit weights.</param>
/// <param name="Int4">10⁹ multiply-adds per second of weights of up to 5 bits.</param>
/// <param name="Single">10⁹ multiply-adds per second in float32.</param>
/// <param name="Memory">10⁹ bytes per second read from memory.</param>
public sealed unsafe record MachinePeak(int Threads, double Int8, double Int4, double Single, double Memory)
{
    private const int Rounds = 2_000_000;
    private const long MemoryBytes = 256L << 20;

    /// <summary>Measures with the threads of <paramref name="pool"/>; takes about a quarter of a second.</summary>
    public static MachinePeak Measure(WorkerPool pool, bool hugePages = true)
    {
        using var memory = NativeBuffer<byte>.OfWholePages(MemoryBytes, hugePages);
        memory.Span.Clear();
        return new MachinePeak(pool.Threads, Best(pool, Loop.Int8, null), Best(pool, Loop.Int4, null), Best(pool, Loop.Single, null), Best(pool, Loop.Read, memory.Pointer));
    }

    /// <summary>10⁹ multiply-adds per second of weights of <paramref name="type"/>.</summary>
    internal double Of(TensorType type) => Format.Find(type)?.Peak switch
    {
        PeakKind.Int8 => Int8,
        PeakKind.Int4 => Int4,
        _ => Single,
    };

    private static double Best(WorkerPool pool, Loop loop, byte* memory)
    {
        // The first run also compiles; the best of the others is the least disturbed one.
        double best = 0;
        for (int i = 0; i < 4; i++)
        {
            var body = new Body { Loop = loop, Memory = memory, Work = new long[pool.Threads] };
            long start = Stopwatch.GetTimestamp();
            pool.For(loop == Loop.Read ? Body.Slices : pool.Threads, ref body);
            double seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
            double work = loop == Loop.Read ? MemoryBytes : body.Work.Sum();
            best = Math.Max(best, work / seconds / 1e9);
        }

        return best;
    }

    private enum Loop
    {
        Int8,
        Int4,
        Single,
        Read,
    }

    private struct Body : IParallelBody
    {
        public const int Slices = 1024;

        public Loop Loop;
        public byte* Memory;

        /// <summary>Multiply-adds of each thread, as its loop counted them: how many a round has depends on the processor.</summary>
        public long[] Work;

        public readonly void Run(int index)
        {
            switch (Loop)
            {
                case Loop.Int8: Work[index] = PeakLoops.Int8(Rounds); break;
                case Loop.Int4: Work[index] = PeakLoops.Int4(Rounds); break;
                case Loop.Single: Work[index] = PeakLoops.Single(Rounds); break;
                default: PeakLoops.Read(Memory + (index * (MemoryBytes / Slices)), MemoryBytes / Slices); break;
            }
        }
    }
}
