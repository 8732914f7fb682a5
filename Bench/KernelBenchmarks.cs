using BenchmarkDotNet.Attributes;
using BenchmarkDotNet.Columns;
using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Reports;
using BenchmarkDotNet.Running;
using TinyMllm.Benchmarking;
using TinyMllm.Engine;
using TinyMllm.Kernels;
using TinyMllm.Kernels.Quantization;

namespace TinyMllm.Bench;

/// <summary>What a benchmark did per call, so that a column can tell how far from the machine's limit it stayed.</summary>
public interface IThroughput
{
    /// <summary>10⁹ multiply-adds or bytes per call.</summary>
    double GigaPerCall { get; }

    /// <summary>GMAC/s or GB/s.</summary>
    string Unit { get; }

    /// <summary>The instruction set that runs.</summary>
    Isa InstructionSet { get; }

    /// <summary>The machine's peak in the same unit, with all its threads.</summary>
    double Peak(MachinePeak machine);
}

/// <summary>Matrix products of every weight format: many rows (prompts, pictures) and one row (generation).</summary>
[Config(typeof(ThroughputConfig))]
public unsafe class PanelProductBenchmarks : IThroughput
{
    private WorkerPool? _pool;
    private Workspace? _workspace;
    private Linear? _layer;
    private Matrix _x, _y;

    [ParamsSource(nameof(Isas))]
    public Isa InstructionSet { get; set; }

    public static IEnumerable<Isa> Isas => ChosenIsas.All;

    [ParamsSource(nameof(Cases))]
    public ProductCase Case { get; set; }

    public static IEnumerable<ProductCase> Cases => ProductCase.All;

    public double GigaPerCall => (Case.Rows == 1 ? Case.WeightBytes : Case.MultiplyAdds) / 1e9;

    public string Unit => Case.Rows == 1 ? "GB/s" : "GMAC/s";

    public double Peak(MachinePeak machine) => Case.Rows == 1 ? machine.Memory : machine.Of(Case.Type);

    [GlobalSetup]
    public void Setup()
    {
        Isa.Current = InstructionSet;
        var random = new Random(1);
        float[] values = new float[(long)Case.Inputs * Case.Outputs];
        foreach (ref float value in values.AsSpan()) value = (float)((random.NextDouble() * 2) - 1);
        using var stored = new NativeBuffer<byte>(Case.WeightBytes);
        TensorCodec.Encode(Case.Type, values, stored.Span);
        _layer = Linear.Create(WeightOptions.Default, new StoredTensor("w", Case.Type, [Case.Inputs, Case.Outputs], stored.Pointer));
        _pool = new WorkerPool();
        _workspace = new Workspace(_pool);
        _x = _workspace.Rent(Case.Rows, Case.Inputs);
        _y = _workspace.Rent(Case.Rows, Case.Outputs);
        for (int r = 0; r < Case.Rows; r++)
            foreach (ref float value in _x.RowSpan(r)) value = (float)((random.NextDouble() * 2) - 1);
    }

    [Benchmark]
    public void Forward() => _layer!.Forward(_workspace!, _x, _y);

    [GlobalCleanup]
    public void Cleanup()
    {
        _layer?.Dispose();
        _workspace?.Dispose();
        _pool?.Dispose();
    }
}

/// <summary>Attention at the sizes of SigLIP-B (full), SmolLM2 (causal prompt) and one generated token.</summary>
[Config(typeof(ThroughputConfig))]
public class AttentionBenchmarks : IThroughput
{
    private WorkerPool? _pool;
    private Workspace? _workspace;
    private KvCache? _cache;
    private Matrix _q, _k, _v, _y;
    private KeyRange[] _ranges = [];
    private AttentionShape _shape;

    [ParamsSource(nameof(Isas))]
    public Isa InstructionSet { get; set; }

    public static IEnumerable<Isa> Isas => ChosenIsas.All;

    [Params("SigLIP-B tile", "SmolLM2 prompt 512", "SmolLM2 token after 1024")]
    public string Case { get; set; } = "";

    public double GigaPerCall
    {
        get
        {
            double pairs = Case switch { "SigLIP-B tile" => 1024.0 * 1024 * 12, "SmolLM2 prompt 512" => 512.0 * 513 / 2 * 9, _ => 1024.0 * 9 };
            return pairs * 2 * 64 / 1e9;
        }
    }

    public string Unit => "GMAC/s";

    public double Peak(MachinePeak machine) => machine.Single;

    [GlobalSetup]
    public void Setup()
    {
        Isa.Current = InstructionSet;
        _pool = new WorkerPool();
        _workspace = new Workspace(_pool);
        (int queries, int keys, _shape) = Case switch
        {
            "SigLIP-B tile" => (1024, 1024, AttentionShape.MultiHead(12, 64)),
            "SmolLM2 prompt 512" => (512, 512, new AttentionShape(9, 3, 64, 64, 0.125f)),
            _ => (1, 1024, new AttentionShape(9, 3, 64, 64, 0.125f)),
        };
        _q = Random(queries, _shape.Heads * 64);
        _k = Random(keys, _shape.KvHeads * 64);
        _v = Random(keys, _shape.KvHeads * 64);
        _y = Random(queries, _shape.Heads * 64);
        _ranges = new KeyRange[queries];
        if (Case == "SigLIP-B tile") KeyRange.Full(_ranges, keys);
        else KeyRange.Causal(_ranges, keys - queries);
        if (Case == "SigLIP-B tile") return;
        _cache = new KvCache([new KvLayerShape(3, 64, 64)], keys);
        _cache[0].Append(_workspace, _k, _v);
        _cache.Advance(keys);
    }

    [Benchmark]
    public void Forward()
    {
        if (_cache is null) Attention.Forward(_workspace!, _shape, _q, _k, _v, _ranges, _y);
        else Attention.Forward(_workspace!, _shape, _q, _cache[0], _ranges, _y);
    }

    [GlobalCleanup]
    public void Cleanup()
    {
        _cache?.Dispose();
        _workspace?.Dispose();
        _pool?.Dispose();
    }

    private Matrix Random(int rows, int columns)
    {
        var random = new Random(rows + columns);
        Matrix m = _workspace!.Rent(rows, columns);
        for (int r = 0; r < rows; r++)
            foreach (ref float value in m.RowSpan(r)) value = (float)((random.NextDouble() * 2) - 1);
        return m;
    }
}

/// <summary>Adds the throughput and its share of the machine's peak to the table.</summary>
public sealed class ThroughputConfig : ManualConfig
{
    private static readonly Dictionary<Isa, MachinePeak> Peaks = [];

    public ThroughputConfig()
    {
        SummaryStyle = SummaryStyle.Default.WithMaxParameterColumnWidth(60);
        AddColumn(new ThroughputColumn("Rate", (benchmark, seconds) => $"{benchmark.GigaPerCall / seconds:F1} {benchmark.Unit}"));
        AddColumn(new ThroughputColumn("Of peak", (benchmark, seconds) => $"{100 * benchmark.GigaPerCall / seconds / benchmark.Peak(Peak(benchmark.InstructionSet)):F0} %"));
    }

    /// <summary>What the machine reaches under <paramref name="isa"/>, measured once.</summary>
    private static MachinePeak Peak(Isa isa)
    {
        if (Peaks.TryGetValue(isa, out MachinePeak? peak)) return peak;
        Isa.Current = isa;
        using var pool = new WorkerPool();
        return Peaks[isa] = MachinePeak.Measure(pool);
    }

    private sealed class ThroughputColumn(string name, Func<IThroughput, double, string> format) : IColumn
    {
        public string Id => name;

        public string ColumnName => name;

        public bool AlwaysShow => true;

        public ColumnCategory Category => ColumnCategory.Custom;

        public int PriorityInCategory => 0;

        public bool IsNumeric => false;

        public UnitType UnitType => UnitType.Dimensionless;

        public string Legend => name == "Rate" ? "Mean throughput" : "Share of what the same leaf, or the memory, reached in a loop of its own";

        public bool IsAvailable(Summary summary) => true;

        public bool IsDefault(Summary summary, BenchmarkCase benchmarkCase) => false;

        public string GetValue(Summary summary, BenchmarkCase benchmarkCase) => GetValue(summary, benchmarkCase, SummaryStyle.Default);

        public string GetValue(Summary summary, BenchmarkCase benchmarkCase, SummaryStyle style)
        {
            if (summary[benchmarkCase]?.ResultStatistics is not { } statistics) return "-";
            var benchmark = (IThroughput)Activator.CreateInstance(benchmarkCase.Descriptor.Type)!;
            foreach (var parameter in benchmarkCase.Parameters.Items) benchmark.GetType().GetProperty(parameter.Name)!.SetValue(benchmark, parameter.Value);
            return format(benchmark, statistics.Mean / 1e9);
        }
    }
}
