using BenchmarkDotNet.Attributes;
using BenchmarkDotNet.Columns;
using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Reports;
using BenchmarkDotNet.Running;
using TinyMllm.Kernels.Formats;
using TinyMllm.Kernels.Quantization;

namespace TinyMllm.Bench;

/// <summary>
/// Encoding and decoding of every stored format on one thread, in millions of values per second: what bounds <c>tinymllm
/// quantize</c> and requantising at load. F32 is a copy and stands for what the caches give.
/// </summary>
[Config(typeof(MillionValues))]
public class TensorCodecBenchmarks
{
    private const int Values = 1 << 16;

    private readonly float[] _values = new float[Values];
    private byte[] _blocks = [];

    /// <summary>All that are written.</summary>
    public static IEnumerable<TensorType> Types => Formats.All.Where(format => format.CanEncode).Select(format => format.Type);

    /// <summary>The format.</summary>
    [ParamsSource(nameof(Types))]
    public TensorType Type { get; set; }

    /// <summary>Weights as random as real ones: a bell around zero.</summary>
    [GlobalSetup]
    public void Setup()
    {
        var random = new Random(1);
        for (int i = 0; i < Values; i++) _values[i] = (float)((random.NextDouble() + random.NextDouble() + random.NextDouble() - 1.5) * 0.05);
        _blocks = new byte[Type.ByteCount(Values)];
        TensorCodec.Encode(Type, _values, _blocks);
    }

    /// <summary>Floats to blocks.</summary>
    [Benchmark]
    public void Encode() => TensorCodec.Encode(Type, _values, _blocks);

    /// <summary>Blocks to floats.</summary>
    [Benchmark]
    public void Decode() => TensorCodec.Decode(Type, _blocks, _values);

    private sealed class MillionValues : ManualConfig
    {
        public MillionValues() => AddColumn(new ThroughputColumn());
    }

    private sealed class ThroughputColumn : IColumn
    {
        public string Id => nameof(ThroughputColumn);

        public string ColumnName => "M values/s";

        public bool AlwaysShow => true;

        public ColumnCategory Category => ColumnCategory.Custom;

        public int PriorityInCategory => 0;

        public bool IsNumeric => true;

        public UnitType UnitType => UnitType.Dimensionless;

        public string Legend => "millions of weights per second on one thread";

        public bool IsAvailable(Summary summary) => true;

        public bool IsDefault(Summary summary, BenchmarkCase benchmarkCase) => false;

        public string GetValue(Summary summary, BenchmarkCase benchmarkCase) =>
            summary[benchmarkCase]?.ResultStatistics is { } statistics ? $"{Values * 1e3 / statistics.Mean:F0}" : "-";

        public string GetValue(Summary summary, BenchmarkCase benchmarkCase, SummaryStyle style) => GetValue(summary, benchmarkCase);
    }
}
