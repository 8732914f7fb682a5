using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Spectre.Console;
using TinyMllm.Benchmarking;
using TinyMllm.Cli.Support;
using TinyMllm.Engine;
using TinyMllm.Kernels;
using TinyMllm.Kernels.Formats;
using TinyMllm.Kernels.Quantization;

namespace TinyMllm.Cli.Commands;

/// <summary><c>bench</c>: prompt, generation and picture speed, beside the machine's peak.</summary>
internal sealed class BenchCommand : CliCommand
{
    private readonly Option<string> _model = new("-m", "--model") { Description = "The language model.", HelpName = "FILE" };
    private readonly Option<string> _projector = new("--mmproj") { Description = "The picture encoder.", HelpName = "FILE" };
    private readonly Option<string> _prompt = new("-p", "--n-prompt") { Description = "Prompt lengths; 0 = none.", HelpName = "N,…", DefaultValueFactory = _ => "512" };
    private readonly Option<string> _generate = new("-n", "--n-gen") { Description = "Numbers of generated tokens; 0 = none.", HelpName = "N,…", DefaultValueFactory = _ => "128" };
    private readonly Option<string> _threads = new("-t", "--threads") { Description = "Thread counts; 0 = one per processor.", HelpName = "N,…", DefaultValueFactory = _ => "0" };
    private readonly Option<int> _repetitions = new("-r", "--repetitions") { Description = "Timed runs per test.", HelpName = "N", DefaultValueFactory = _ => 5 };
    private readonly Option<string> _isa = new("--isa") { Description = "The instruction set to use: portable, avx2, avx512vnni and the like; inspect --machine lists those of this machine.", HelpName = "NAME" };
    private readonly Option<string> _kv = new("--kv-type") { Description = "How keys and values are stored: f16, f32 or q8_0.", HelpName = "TYPE", DefaultValueFactory = _ => "f16" };
    private readonly Option<string> _visionType = new("--vision-type", "--vision-weights") { Description = "Requantises the encoder's F32, F16 and BF16 matrices at load, for example to q8_0.", HelpName = "TYPE" };
    private readonly Option<bool> _noHugePages = ModelArguments.NoHugePages();
    private readonly Option<bool> _json = new("--json") { Description = "Print a JSON array with llama-bench's field names." };

    public BenchCommand(Terminal terminal, Interrupts interrupts)
        : base("bench", "Measure prompt, generation and picture speed.", terminal, interrupts)
    {
        foreach (Option option in new Option[] { _model, _projector, _prompt, _generate, _threads, _repetitions, _isa, _kv, _visionType, _noHugePages, _json }) Add(option);
    }

    public override IReadOnlyList<string> Examples =>
    [
        "tinymllm bench -m SmolLM2-135M-Q8_0.gguf -p 512 -n 64 -t 1,2",
        "tinymllm bench --mmproj mmproj-SmolVLM-256M-F16.gguf --vision-type q8_0 -r 10",
        "tinymllm bench -m model.gguf --mmproj mmproj.gguf --json > speed.json",
        "tinymllm bench -m model.gguf --isa avx2",
    ];

    public override Task<int> RunAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        var options = Read(parsed);
        foreach (string? path in new[] { options.Model, options.Projector })
            if (path is not null) Inputs.Existing(path);
        var results = new List<BenchmarkResult>();
        var peaks = new PeakNote(Terminal);
        foreach (var result in ModelBenchmark.Run(options, peaks, cancellationToken))
        {
            results.Add(result);
            if (!parsed.GetValue(_json)) Terminal.Note($"{result.Test} done");
        }

        if (parsed.GetValue(_json)) WriteJson(results, options.KvType);
        else Terminal.OutConsole.Write(ToTable(results));
        return Task.FromResult(ExitCodes.Success);
    }

    private static int[] Numbers(string text, string option)
    {
        int[] numbers = new int[text.Split(',').Length];
        for (int i = 0; i < numbers.Length; i++)
        {
            if (!int.TryParse(text.Split(',')[i], NumberStyles.None, CultureInfo.InvariantCulture, out numbers[i]))
                throw new UsageException($"{option} takes numbers from 0 on, separated by commas; found '{text}'");
        }

        return numbers;
    }

    private BenchmarkOptions Read(ParseResult parsed)
    {
        string? model = parsed.GetValue(_model), projector = parsed.GetValue(_projector);
        if (model is null && projector is null) throw new UsageException("give a model with -m, a picture encoder with --mmproj, or both");
        int repetitions = parsed.GetValue(_repetitions);
        if (repetitions < 1) throw new UsageException($"-r is {repetitions}, expected at least 1");
        KvType kv = parsed.GetValue(_kv)!.ToUpperInvariant() switch
        {
            "F16" => KvType.F16,
            "F32" => KvType.F32,
            "Q8_0" => KvType.Q8_0,
            _ => throw new UsageException($"--kv-type is '{parsed.GetValue(_kv)}', expected f16, f32 or q8_0"),
        };
        TensorType? vision = null;
        if (parsed.GetValue(_visionType) is { } name)
        {
            if (Format.Named(name) is not { IsQuantized: true, CanRequantize: true } format)
                throw new UsageException($"--vision-type is '{name}', expected a quantised type such as q8_0 or q4_0");
            vision = format.Type;
        }

        return new BenchmarkOptions
        {
            Model = model, Projector = projector, Repetitions = repetitions, KvType = kv,
            PromptLengths = Numbers(parsed.GetValue(_prompt)!, "-p"), GenerationLengths = Numbers(parsed.GetValue(_generate)!, "-n"),
            Isa = parsed.GetValue(_isa) is { } isa ? Isa.Parse(isa) : null, Threads = Numbers(parsed.GetValue(_threads)!, "-t"),
            Weights = new WeightOptions { HugePages = !parsed.GetValue(_noHugePages) },
            VisionWeights = new WeightOptions { Requantize = vision, HugePages = !parsed.GetValue(_noHugePages) },
        };
    }

    private Table ToTable(List<BenchmarkResult> results)
    {
        Table table = Terminal.NewTable("model", "size", "params", "isa", "threads", "test", "t/s", "GMAC/s", "GB/s", "of peak");
        foreach (var r in results)
        {
            string rate = r.Tiles > 0
                ? string.Create(CultureInfo.InvariantCulture, $"{1000 * r.Seconds.Average():F0} ± {1000 * r.SecondsDeviation:F0} ms per tile")
                : string.Create(CultureInfo.InvariantCulture, $"{r.Rate:F1} ± {r.RateDeviation:F1}");
            table.AddRow(Markup.Escape(r.ModelType), Sizes.Bytes(r.ModelBytes), Sizes.Count(r.Parameters), r.Isa.Name, r.Threads.ToString(CultureInfo.InvariantCulture), r.Test, rate,
                r.MultiplyAddRate.ToString("F0", CultureInfo.InvariantCulture), r.ByteRate > 0 ? r.ByteRate.ToString("F1", CultureInfo.InvariantCulture) : "",
                string.Create(CultureInfo.InvariantCulture, $"{100 * r.PeakShare:F0} %"));
        }

        return table;
    }

    private void WriteJson(List<BenchmarkResult> results, KvType kv)
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream, new JsonWriterOptions { Indented = true }))
        {
            json.WriteStartArray();
            foreach (var r in results)
            {
                json.WriteStartObject();
                json.WriteString("backends", "TinyMllm");
                json.WriteString("model_filename", r.ModelPath);
                json.WriteString("model_type", r.ModelType);
                json.WriteNumber("model_size", r.ModelBytes);
                json.WriteNumber("model_n_params", r.Parameters);
                json.WriteString("isa", r.Isa.Name);
                json.WriteNumber("n_threads", r.Threads);
                json.WriteString("type_k", kv.ToString().ToLowerInvariant());
                json.WriteString("type_v", kv.ToString().ToLowerInvariant());
                json.WriteNumber("n_prompt", r.PromptTokens);
                json.WriteNumber("n_gen", r.GeneratedTokens);
                json.WriteNumber("n_tiles", r.Tiles);
                json.WriteNumber("avg_ns", (long)(1e9 * r.Seconds.Average()));
                json.WriteNumber("stddev_ns", (long)(1e9 * r.SecondsDeviation));
                json.WriteNumber("avg_ts", r.Rate);
                json.WriteNumber("stddev_ts", r.RateDeviation);
                if (r.Tiles > 0) json.WriteNumber("avg_tile_ms", 1000 * r.Seconds.Average() / r.Tiles);
                json.WriteNumber("gmac_per_s", r.MultiplyAddRate);
                json.WriteNumber("gb_per_s", r.ByteRate);
                json.WriteNumber("share_of_peak", r.PeakShare);
                json.WriteStartArray("samples_ns");
                foreach (double seconds in r.Seconds) json.WriteNumberValue((long)(1e9 * seconds));
                json.WriteEndArray();
                json.WriteStartArray("samples_ts");
                foreach (double rate in r.Rates) json.WriteNumberValue(rate);
                json.WriteEndArray();
                json.WriteEndObject();
            }

            json.WriteEndArray();
        }

        Terminal.Out.WriteLine(System.Text.Encoding.UTF8.GetString(stream.ToArray()));
    }

    /// <summary>Tells the measured peak at once, on this thread.</summary>
    private sealed class PeakNote(Terminal terminal) : IProgress<MachinePeak>
    {
        public void Report(MachinePeak value) => terminal.Note(string.Create(CultureInfo.InvariantCulture,
            $"peak of {Isa.Current.Name} with {value.Threads} threads: {value.Int8:F0} GMAC/s of 8-bit weights, {value.Int4:F0} of 4-bit ones, {value.Single:F0} in float32; {value.Memory:F0} GB/s from memory"));
    }
}
