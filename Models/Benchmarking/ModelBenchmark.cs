using System.Diagnostics;
using System.Globalization;
using TinyMllm.Engine;
using TinyMllm.Kernels;
using TinyMllm.Kernels.Quantization;
using TinyMllm.Language;
using TinyMllm.Loaders.Gguf;
using TinyMllm.Loaders.Images;
using TinyMllm.Vision;

namespace TinyMllm.Benchmarking;

/// <summary>Times prompt reading, generation and picture encoding of model files, beside the machine's peak.</summary>
public static unsafe class ModelBenchmark
{
    private const int WarmUps = 2;

    private static readonly TimeSpan s_warmUp = TimeSpan.FromSeconds(1);

    /// <summary>Runs all tests; results come as they are ready.</summary>
    /// <param name="options">What to measure.</param>
    /// <param name="peaks">Told the machine's peak for every thread count.</param>
    /// <param name="cancellationToken">Looked at between runs.</param>
    /// <exception cref="ArgumentException">There is nothing to measure.</exception>
    /// <exception cref="UnsupportedIsaException">This machine cannot run the wanted instruction set.</exception>
    public static IEnumerable<BenchmarkResult> Run(BenchmarkOptions options, IProgress<MachinePeak>? peaks = null, CancellationToken cancellationToken = default)
    {
        if (options.Model is null && options.Projector is null) throw new ArgumentException("a model or a projector file is needed", nameof(options));
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(options.Repetitions);
        if (options.Isa is { } isa) InstructionSets.Require(isa);
        return Tests(options, peaks, cancellationToken);
    }

    private static IEnumerable<BenchmarkResult> Tests(BenchmarkOptions options, IProgress<MachinePeak>? peaks, CancellationToken cancellationToken)
    {
        Isa before = Isa.Current;
        try
        {
            Isa.Current = options.Isa ?? before;
            foreach (int threads in options.Threads)
            {
                using var pool = new WorkerPool(threads);
                var peak = MachinePeak.Measure(pool, options.Weights.HugePages);
                peaks?.Report(peak);
                if (options.Model is not null)
                    foreach (var result in LanguageTests(options, pool, peak, cancellationToken)) yield return result;
                if (options.Projector is not null) yield return VisionTest(options, pool, peak, cancellationToken);
            }
        }
        finally
        {
            Isa.Current = before;
        }
    }

    private static IEnumerable<BenchmarkResult> LanguageTests(BenchmarkOptions options, WorkerPool pool, MachinePeak peak, CancellationToken cancellationToken)
    {
        using var file = GgufFile.Open(options.Model!);
        using var model = LanguageModel.Load(file, new LanguageModelOptions { Weights = options.Weights });
        using var workspace = new Workspace(pool, options.Weights.HugePages);
        var facts = new WeightFacts(file, options.Weights);
        float[] logits = new float[model.VocabularySize];
        foreach (int length in options.PromptLengths.Where(length => length > 0))
        {
            int[] tokens = [.. Enumerable.Range(0, length).Select(i => (int)(((i * 7919L) + 13) % model.VocabularySize))];
            using var cache = model.CreateCache(length, options.KvType);
            var seconds = Time(options, () =>
            {
                cache.Truncate(0);
                long start = Stopwatch.GetTimestamp();
                model.Forward(workspace, cache, Batch.Text(tokens, 0), logits, cancellationToken);
                return Stopwatch.GetElapsedTime(start).TotalSeconds;
            }, cancellationToken);
            yield return facts.Result(options.Model!, pool.Threads, seconds, facts.PeakOf(peak)) with
            {
                PromptTokens = length, MultiplyAdds = (facts.BlockMultiplyAdds * (double)length) + facts.OutputMultiplyAdds,
            };
        }

        foreach (int length in options.GenerationLengths.Where(length => length > 0))
        {
            using var cache = model.CreateCache(length, options.KvType);
            var seconds = Time(options, () =>
            {
                cache.Truncate(0);
                Span<int> token = stackalloc int[1];
                long start = Stopwatch.GetTimestamp();
                for (int i = 0; i < length; i++)
                {
                    token[0] = (int)(((i * 7919L) + 13) % model.VocabularySize);
                    model.Forward(workspace, cache, Batch.Text(token, i), logits, cancellationToken);
                }

                return Stopwatch.GetElapsedTime(start).TotalSeconds;
            }, cancellationToken);
            yield return facts.Result(options.Model!, pool.Threads, seconds, peak.Memory) with
            {
                GeneratedTokens = length, WeightBytes = facts.BytesPerToken * (double)length,
                MultiplyAdds = (facts.BlockMultiplyAdds + facts.OutputMultiplyAdds) * (double)length,
            };
        }
    }

    private static BenchmarkResult VisionTest(BenchmarkOptions options, WorkerPool pool, MachinePeak peak, CancellationToken cancellationToken)
    {
        using var file = GgufFile.Open(options.Projector!);
        using var model = VisionModel.Load(file, new VisionOptions { Weights = options.VisionWeights, Tiles = false });
        using var workspace = new Workspace(pool, options.VisionWeights.HugePages);
        var facts = new WeightFacts(file, options.VisionWeights);
        int side = Math.Max(64, file.Metadata.GetInt32("clip.vision.image_size", 512)), patch = Math.Max(1, file.Metadata.GetInt32("clip.vision.patch_size", 16));
        byte[] pixels = new byte[3 * side * side];
        new Random(1).NextBytes(pixels);
        var tile = model.Prepare(RgbImage.FromRgb(pixels, side, side)).Tiles.First();
        int tokens = model.Tokens(tile).Count, width = model.EmbeddingLength * model.EmbeddingSlices;
        using var embeddings = new NativeBuffer<float>((long)tokens * width);
        var seconds = Time(options, () =>
        {
            long start = Stopwatch.GetTimestamp();
            model.Encode(workspace, tile, new Matrix(embeddings.Pointer, tokens, width), cancellationToken: cancellationToken);
            return Stopwatch.GetElapsedTime(start).TotalSeconds;
        }, cancellationToken);
        double patches = (double)(tile.Size.Width / patch) * (tile.Size.Height / patch);
        return facts.Result(options.Projector!, pool.Threads, seconds, facts.PeakOf(peak)) with
        {
            Tiles = 1, TileSize = (tile.Size.Width, tile.Size.Height), MultiplyAdds = facts.BlockMultiplyAdds * patches,
        };
    }

    /// <summary>
    /// Times a run after warming up: at least twice, and for a second, until the runtime has compiled everything in its last form. The cache is
    /// the same for all runs, as in a chat.
    /// </summary>
    private static List<double> Time(BenchmarkOptions options, Func<double> run, CancellationToken cancellationToken)
    {
        long start = Stopwatch.GetTimestamp();
        for (int i = 0; i < WarmUps || Stopwatch.GetElapsedTime(start) < s_warmUp; i++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            run();
        }

        var seconds = new List<double>();
        for (int i = 0; i < options.Repetitions; i++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            seconds.Add(run());
        }

        return seconds;
    }

    /// <summary>What the tensors of a file say about the work per token.</summary>
    private sealed class WeightFacts
    {
        private readonly string _type;
        private readonly long _bytes, _parameters;
        private readonly TensorType _main;

        public WeightFacts(GgufFile file, WeightOptions options)
        {
            int used = file.Metadata.GetInt32(file.Architecture + ".expert_used_count", 0), experts = file.Metadata.GetInt32(file.Architecture + ".expert_count", 0);
            bool tied = !file.Tensors.Any(tensor => tensor.Name == "output.weight");
            foreach (var tensor in file.Tensors)
            {
                _bytes += tensor.ByteCount;
                _parameters += tensor.ElementCount;
                if (tensor.Dimensions.Count < 2 || !tensor.Name.EndsWith(".weight", StringComparison.Ordinal)) continue;
                double share = tensor.Name.Contains("_exps.", StringComparison.Ordinal) && experts > 0 ? (double)used / experts : 1;
                if (tensor.Name == "output.weight" || (tensor.Name == "token_embd.weight" && tied)) OutputMultiplyAdds += tensor.ElementCount;
                else if (tensor.Name.Contains("blk.", StringComparison.Ordinal)) BlockMultiplyAdds += tensor.ElementCount * share;
                else continue;
                BytesPerToken += tensor.ByteCount * share;
            }

            _main = file.Tensors.Where(tensor => tensor.Name.Contains("blk.", StringComparison.Ordinal)).GroupBy(tensor => tensor.Type)
                .OrderByDescending(group => group.Sum(tensor => tensor.ElementCount)).Select(group => group.Key).FirstOrDefault();
            if (options.Requantize is { } wanted && !_main.IsQuantized()) _main = wanted;
            string name = file.Architecture == "clip"
                ? file.Metadata.GetString("clip.projector_type", file.Metadata.GetString("clip.vision.projector_type", "clip")) ?? "clip"
                : file.Architecture;
            _type = string.Create(CultureInfo.InvariantCulture, $"{name} {Size(_parameters)} {_main}");
        }

        public double BlockMultiplyAdds { get; }

        public double OutputMultiplyAdds { get; }

        public double BytesPerToken { get; }

        public double PeakOf(MachinePeak peak) => peak.Of(_main);

        public BenchmarkResult Result(string path, int threads, IReadOnlyList<double> seconds, double peak) => new()
        {
            ModelPath = path, ModelType = _type, ModelBytes = _bytes, Parameters = _parameters, Threads = threads, Isa = Isa.Current, Seconds = seconds, MultiplyAdds = 0, Peak = peak,
        };

        private static string Size(long parameters) => parameters >= 1_000_000_000
            ? string.Create(CultureInfo.InvariantCulture, $"{parameters / 1e9:0.##}B")
            : string.Create(CultureInfo.InvariantCulture, $"{parameters / 1e6:0}M");
    }
}
