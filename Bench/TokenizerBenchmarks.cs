using System.Text;
using BenchmarkDotNet.Attributes;
using BenchmarkDotNet.Columns;
using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Reports;
using BenchmarkDotNet.Running;
using TinyMllm.Loaders.Gguf;
using TinyMllm.Loaders.Text.Tokenizers;
using TinyMllm.Tests.Support;

namespace TinyMllm.Bench;

/// <summary>
/// Text to ids and back with real vocabularies, in megabytes of UTF-8 per second: English, source code, many scripts, and one
/// endless word, where merging goes through the heap.
/// </summary>
[Config(typeof(Megabytes))]
[MemoryDiagnoser(displayGenColumns: false)]
public class TokenizerBenchmarks
{
    private Tokenizer _tokenizer = null!;
    private string _text = "";
    private int[] _ids = [];

    /// <summary>What the text is like.</summary>
    public enum TextKind
    {
        /// <summary>The README of the goldens.</summary>
        English,

        /// <summary>C#: this benchmark.</summary>
        Code,

        /// <summary>The golden texts: scripts, numbers, emoji, white space.</summary>
        Mixed,

        /// <summary>The letter a.</summary>
        OneWord,
    }

    /// <summary>The vocabulary.</summary>
    [Params("llama-spm", "gpt-2", "llama-bpe", "qwen2")]
    public string Vocabulary { get; set; } = "";

    /// <summary>The text.</summary>
    [ParamsAllValues]
    public TextKind Text { get; set; }

    /// <summary>About 200 kB of each text.</summary>
    [GlobalSetup]
    public void Setup()
    {
        _tokenizer = LoadTokenizer(Vocabulary);
        _text = MakeText(Text);
        _ids = _tokenizer.Encode(_text, false, false);
    }

    /// <summary>Text to ids.</summary>
    [Benchmark]
    public int Encode() => _tokenizer.Encode(_text, false, false).Length;

    /// <summary>Ids to text as a stream.</summary>
    [Benchmark]
    public int Stream()
    {
        var stream = new TokenStream(_tokenizer);
        int length = 0;
        foreach (int id in _ids) length += stream.Append(id).Length;
        return length + stream.Flush().Length;
    }

    internal static string MakeText(TextKind kind)
    {
        string text = kind switch
        {
            TextKind.English => File.ReadAllText(Path.Combine(Fixtures, "README.md")),
            TextKind.Code => File.ReadAllText(Path.Combine(Root, "Bench", "TokenizerBenchmarks.cs")),
            TextKind.Mixed => File.ReadAllText(Golden("ggml-vocab-gpt-2.gguf.inp")),
            _ => "a",
        };
        return string.Concat(Enumerable.Repeat(text, Math.Max(1, 200_000 / Encoding.UTF8.GetByteCount(text))));
    }

    private static string Root
    {
        get
        {
            for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
                if (File.Exists(Path.Combine(folder.FullName, "TinyMllm.sln"))) return folder.FullName;
            throw new DirectoryNotFoundException("TinyMllm.sln not found above the benchmarks");
        }
    }

    internal static Tokenizer LoadTokenizer(string name)
    {
        using var file = GgufFile.Open(Golden($"ggml-vocab-{name}.gguf"));
        return Tokenizer.Load(file.Metadata);
    }

    private static string Fixtures => Path.Combine(Root, "Tests", "Fixtures", "goldens");

    private static string Golden(string name) =>
        Path.Combine(GoldenArchives.Unpack(Fixtures, Path.Combine(AppContext.BaseDirectory, "goldens")), "tokenizers", name);

    private sealed class Megabytes : ManualConfig
    {
        public Megabytes() => AddColumn(new ThroughputColumn());
    }

    /// <summary>Bytes of text over the mean time.</summary>
    private sealed class ThroughputColumn : IColumn
    {
        public string Id => nameof(ThroughputColumn);

        public string ColumnName => "MB/s";

        public bool AlwaysShow => true;

        public ColumnCategory Category => ColumnCategory.Custom;

        public int PriorityInCategory => 0;

        public bool IsNumeric => true;

        public UnitType UnitType => UnitType.Dimensionless;

        public string Legend => "megabytes of UTF-8 per second";

        public bool IsAvailable(Summary summary) => true;

        public bool IsDefault(Summary summary, BenchmarkCase benchmarkCase) => false;

        public string GetValue(Summary summary, BenchmarkCase benchmarkCase)
        {
            double? nanoseconds = summary[benchmarkCase]?.ResultStatistics?.Mean;
            if (nanoseconds is null) return "-";
            int bytes = Encoding.UTF8.GetByteCount(MakeText((TextKind)benchmarkCase.Parameters[nameof(Text)]));
            return (bytes / nanoseconds.Value * 1e3).ToString("F1", System.Globalization.CultureInfo.InvariantCulture);
        }

        public string GetValue(Summary summary, BenchmarkCase benchmarkCase, SummaryStyle style) => GetValue(summary, benchmarkCase);
    }
}
