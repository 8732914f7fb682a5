using System.CommandLine;
using System.Diagnostics;
using TinyMllm.Engine;
using TinyMllm.Kernels;
using TinyMllm.Kernels.Formats;
using TinyMllm.Kernels.Quantization;
using TinyMllm.Loaders.Hub;
using TinyMllm.Loaders.Images;
using TinyMllm.Loaders.Text.Chat;
using TinyMllm.Vision;

namespace TinyMllm.Cli.Support;

/// <summary>The options that choose a model and say how to run it, the same for every command that runs one.</summary>
internal sealed class ModelArguments
{
    private readonly Option<string> _model = new("-m", "--model")
    {
        Description = "A GGUF file, a short name (smolvlm:256m) or OWNER/REPO[:FILE] (downloaded if it is not in the cache), or 'demo'.",
            Required = true, HelpName = "MODEL",
        CompletionSources =
        {
            _ => HubCatalog.Entries.Select(entry => entry.Name).Append("demo").Concat(Cached())
                .Select(name => new System.CommandLine.Completions.CompletionItem(name)),
        },
    };

    private readonly Option<string?> _projector = new("--mmproj") { Description = "The picture encoder's GGUF file.", HelpName = "FILE" };
    private readonly Option<int> _threads = new("-t", "--threads") { Description = "Threads; 0 = one per processor.", HelpName = "N" };
    private readonly Option<int> _context =
        new("-c", "--context") { Description = "Tokens of context; 0 = the model's own, at most 4096.", HelpName = "N" };
    private readonly Option<KvType> _kvType;
    private readonly Option<TensorType?> _weights =
        new("--weights") { Description = "Hold 16- and 32-bit weights in this type (Q8_0, Q4_0, Q4_K, …).", HelpName = "TYPE",
        CustomParser = ParseType };
    private readonly Option<TensorType?> _visionWeights =
        new("--vision-weights", "--vision-type") { Description = "The same for the picture encoder.", HelpName = "TYPE", CustomParser = ParseType };
    private readonly Option<bool> _exact = new("--exact") { Description = "Compute everything in float32: slow and large, for checking." };
    private readonly Option<bool> _noTiles =
        new("--no-tiles") { Description = "Look at large pictures as a whole only: fewer tokens, less detail." };
    private readonly Option<int?> _maxImageTokens =
        new("--max-image-tokens") { Description = "Most tokens per picture, for models of dynamic resolution.", HelpName = "N" };
    private readonly Option<bool> _check =
        new("--check-tensors") { Description = "Read all weights first and refuse files with NaN or infinite ones." };
    private readonly Option<string?> _background =
        new("--background") { Description = "What shows through transparent pictures: white (default), black, #RRGGBB, or none (alpha is dropped).",
            HelpName = "COLOR" };
    private readonly Option<long?> _maxPixels =
        new("--max-pixels") { Description = "Largest picture that is decoded, in pixels; 67108864 (64 Mi) unless set.", HelpName = "N" };
    private readonly Option<string?> _template = new("--chat-template")
    {
        Description = "A file with a chat template (Jinja) to use instead of the model's own, or the name of a built-in one: chatml, llama3, …",
        HelpName = "FILE", CompletionSources =
            { _ => ChatTemplate.BuiltInNames.Select(name => new System.CommandLine.Completions.CompletionItem(name)) },
    };
    private readonly Option<bool> _noHugePages = NoHugePages();
    private readonly Option<string?> _compat =
        new("--compat") { Description = "Follow llama.cpp where it departs from the original model: llama.cpp.", HelpName = "ENGINE" };

    /// <param name="kvDefault">How keys and values are kept unless the user says otherwise.</param>
    public ModelArguments(KvType kvDefault = KvType.F16)
    {
        _kvType = new Option<KvType>("--kv-type")
        {
            Description = "How keys and values are kept: f32, f16 or q8_0.",
                HelpName = "TYPE", DefaultValueFactory = _ => kvDefault,
            CustomParser = result => Enum.TryParse(result.Tokens[0].Value, ignoreCase: true, out KvType type) && Enum.IsDefined(type)
                ? type
                : Fail(result, $"--kv-type is f32, f16 or q8_0, not '{result.Tokens[0].Value}'", kvDefault),
        };
        _compat.AcceptOnlyFromAmong("llama.cpp");
    }

    /// <summary>The option that keeps the engine from asking for huge pages.</summary>
    public static Option<bool> NoHugePages() => new("--no-huge-pages") { Description = "Do not ask Linux for memory pages of 2 MiB: slower, and a little less memory." };

    public void AddTo(Command command)
    {
        foreach (Option option in new Option[]
            { _model, _projector, _threads, _context, _kvType, _weights, _visionWeights, _exact, _noTiles, _maxImageTokens,
                _check, _background, _maxPixels, _template, _noHugePages, _compat })
        {
            command.Add(option);
        }
    }

    /// <summary>Options that change no answer, or that say where the model is.</summary>
    public IReadOnlyCollection<Option> Indifferent => [_model, _projector, _threads, _check, _noHugePages];

    /// <summary>Whether llama.cpp is to be followed.</summary>
    public bool FollowsLlamaCpp(ParseResult parsed) => parsed.GetValue(_compat) is not null;

    /// <summary>The options as the library takes them.</summary>
    public ModelOptions Options(ParseResult parsed) => new()
    {
        Threads = NotNegative(parsed, _threads, "-t") is <= ModelOptions.MostThreads and int threads
            ? threads : throw new UsageException($"-t is more than {ModelOptions.MostThreads}"),
        Context = NotNegative(parsed, _context, "-c"),
        KvType = parsed.GetValue(_kvType),
        WeightType = parsed.GetValue(_weights),
        VisionWeightType = parsed.GetValue(_visionWeights),
        Activations = parsed.GetValue(_exact) ? ActivationPrecision.Float32 : ActivationPrecision.Integer,
        ImageTiles = !parsed.GetValue(_noTiles),
        MaxImageTokens = parsed.GetValue(_maxImageTokens) is null or > 0
            ? parsed.GetValue(_maxImageTokens)
            : throw new UsageException($"--max-image-tokens is {parsed.GetValue(_maxImageTokens)}, expected 1 or more"),
        CheckWeights = parsed.GetValue(_check),
        ChatTemplate = parsed.GetValue(_template) is { } template ? Template(template) : null,
        Images = Images(parsed),
        HugePages = !parsed.GetValue(_noHugePages),
        Compatibility = FollowsLlamaCpp(parsed) ? Compatibility.LlamaCpp : Compatibility.Original,
    };

    /// <summary>How pictures are decoded.</summary>
    /// <exception cref="UsageException">The colour or the number makes no sense.</exception>
    public ImageOptions Images(ParseResult parsed)
    {
        ImageOptions options = FollowsLlamaCpp(parsed) ? ImageOptions.AsStored : ImageOptions.Default;
        if (parsed.GetValue(_background) is { } background) options = options with { Background = Colors.Parse(background, "--background") };
        if (parsed.GetValue(_maxPixels) is not { } pixels) return options;
        return pixels > 0 ? options with { MaxPixels = pixels } : throw new UsageException($"--max-pixels is {pixels}, expected 1 or more");
    }

    /// <summary>A template's text, or the name of a built-in one.</summary>
    /// <exception cref="UsageException">It is neither.</exception>
    private static string Template(string value)
    {
        if (File.Exists(value)) return File.ReadAllText(value);
        if (ChatTemplate.BuiltInNames.Contains(value)) return value;
        throw new UsageException($"--chat-template: there is no file {value}, and no built-in template of this name{Suggestions.DidYouMean(value, ChatTemplate.BuiltInNames)}");
    }

    /// <summary>The model's two files, downloaded if need be.</summary>
    public async Task<(string Model, string? Projector)> LocateAsync(ParseResult parsed, Terminal terminal, CancellationToken cancellationToken)
    {
        Check(Options(parsed)); // Before anything is downloaded.
        string name = parsed.GetRequiredValue(_model);
        string? projector = parsed.GetValue(_projector) is { } path ? Inputs.Existing(path) : null;
        if (File.Exists(name)) return (Inputs.Existing(name), projector);
        if (name == "demo")
        {
            var demo = DemoFiles.Find();
            return (demo.Model, projector ?? demo.Projector);
        }

        bool looksLikeFile = name.EndsWith(".gguf", StringComparison.OrdinalIgnoreCase) || Path.IsPathRooted(name) || name.StartsWith('.');
        if (looksLikeFile || !HubReference.TryParse(name, out HubReference? reference))
        {
            if (Directory.Exists(name)) throw new UsageException($"{name} is a folder, not a GGUF file");
            string nearest = looksLikeFile ? "" : Suggestions.DidYouMean(name, HubCatalog.Entries.Select(entry => entry.Name).Append("demo"));
            throw new UsageException($"'{name}' is neither a file here nor a model's name{nearest} (tinymllm list --available shows some)");
        }

        using var hub = new HubDownloader();
        HubModel files = hub.FindCached(reference)
            ?? await TransferBars.RunAsync(terminal, progress => hub.PullAsync(reference, progress, cancellationToken)).ConfigureAwait(false);
        return (files.ModelPath, projector ?? files.ProjectorPath);
    }

    /// <summary>Loads the model and says how long it took.</summary>
    /// <param name="parsed">The command line.</param>
    /// <param name="terminal">Where progress goes.</param>
    /// <param name="pictures">Whether there are pictures: then a missing encoder is reported before anything is loaded.</param>
    /// <param name="cancellationToken">Takes effect within one layer.</param>
    public async Task<VisionLanguageModel> LoadAsync(ParseResult parsed, Terminal terminal, bool pictures, CancellationToken cancellationToken)
    {
        (string model, string? projector) = await LocateAsync(parsed, terminal, cancellationToken).ConfigureAwait(false);
        if (pictures && projector is null) throw NoEncoder(model);
        return await LoadAsync(parsed, model, projector, terminal, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Loads located files.</summary>
    public async Task<VisionLanguageModel> LoadAsync(
        ParseResult parsed, string model, string? projector, Terminal terminal, CancellationToken cancellationToken)
    {
        ModelOptions options = Options(parsed);
        long start = Stopwatch.GetTimestamp();
        double share = 0;
        var progress = new Direct<LoadProgress>(now => share = now.Fraction);
        Task<VisionLanguageModel> loading = VisionLanguageModel.LoadAsync(model, projector, options, progress, cancellationToken);
        string title = $"loading {Path.GetFileName(model)}";
        await ProgressBars.WatchAsync(terminal, loading, () => new WorkState(title, share)).ConfigureAwait(false);
        VisionLanguageModel loaded = await loading.ConfigureAwait(false);
        foreach (string warning in loaded.Info.Warnings) terminal.Note($"warning: {warning}");
        terminal.Note(Summary(loaded.Info, Stopwatch.GetElapsedTime(start)));
        return loaded;
    }

    /// <summary>What the options above cannot say by themselves, such as a weight type that has no kernel.</summary>
    private static void Check(ModelOptions options)
    {
        try
        {
            options.Validate();
        }
        catch (ArgumentException problem)
        {
            throw new UsageException($"{problem.ParamName}: {problem.Message.Split(" (Parameter", 2)[0]}");
        }
    }

    /// <summary>There are pictures, and nothing to look at them with.</summary>
    public static UsageException NoEncoder(string model) =>
        new($"{Path.GetFileName(model)} reads text alone; to look at pictures it needs its picture encoder, the mmproj file (--mmproj)");

    public static string Summary(ModelInfo info, TimeSpan loading) =>
        $"{info.Name}: {info.Architecture}{(info.Projector is null ? "" : " + " + info.Projector)}, {Sizes.Count(info.Weights)} weights, {Sizes.Bytes(info.FileBytes)}, "
        + $"context {info.Context}, {info.Isa.Name}, loaded in {Sizes.Time(loading)}";

    /// <summary>Repositories in the cache.</summary>
    private static IEnumerable<string> Cached()
    {
        using var hub = new HubDownloader();
        return [.. hub.Cache.List().Select(entry => entry.Repository).Distinct()];
    }

    private static int NotNegative(ParseResult parsed, Option<int> option, string name) =>
        parsed.GetValue(option) is >= 0 and int value ? value
            : throw new UsageException($"{name} is {parsed.GetValue(option)}, expected 0 or more");

    private static TensorType? ParseType(System.CommandLine.Parsing.ArgumentResult result) =>
        Format.Named(result.Tokens[0].Value) is { } format
            ? format.Type
            : Fail<TensorType?>(result, $"'{result.Tokens[0].Value}' is not a weight type", null);

    private static T Fail<T>(System.CommandLine.Parsing.ArgumentResult result, string message, T value)
    {
        result.AddError(message);
        return value;
    }
}
