using System.Text.Json;
using TinyMllm.Engine;
using TinyMllm.Loaders.Images;
using TinyMllm.Tests.Support;
using TinyMllm.Vision;

namespace TinyMllm.Tests.Vision;

/// <summary>One folder (or variant folder) of goldens/vlm: pictures, prompt and the numbers that must come out.</summary>
internal sealed class VlmGolden
{
    private readonly string _folder;
    private readonly JsonElement _json;

    private VlmGolden(string folder)
    {
        _folder = folder;
        _json = JsonDocument.Parse(File.ReadAllText(Path.Combine(folder, "expected.json"))).RootElement;
    }

    /// <summary>Folders with a model, then their variants as "folder/variant".</summary>
    public static IEnumerable<string> All => Golden.Folders("vlm")
        .SelectMany(name => new[] { name }.Concat(Golden.Folders($"vlm/{name}").Select(variant => $"{name}/{variant}")));

    public static VlmGolden Open(string name) => new(Golden.Path($"vlm/{name}"));

    public string Prompt => _json.GetProperty("prompt").GetString()!;

    public bool UsesMrope => _json.GetProperty("use_mrope").GetBoolean();

    public int EmbeddingLength => _json.GetProperty("n_embd").GetInt32();

    public int NextPosition => _json.GetProperty("n_past").GetInt32();

    public int[] Greedy => [.. _json.GetProperty("greedy").EnumerateArray().Select(id => id.GetInt32())];

    public double LogitsDeviation => _json.GetProperty("logits_std").GetDouble();

    public IEnumerable<JsonElement> Chunks => _json.GetProperty("chunks").EnumerateArray();

    public IEnumerable<JsonElement> ImageChunks => Chunks.Where(chunk => chunk.GetProperty("type").GetString() == "image");

    public RgbImage[] Images => [.. _json.GetProperty("images").EnumerateArray().Select(image => RgbImage.Load(FilePath(image.GetProperty("file").GetString()!)))];

    public string Mmproj => ModelFile("mmproj.gguf");

    public string Model => ModelFile("model.gguf");

    /// <summary>The exact_gelu array where there is one, else the plain one.</summary>
    public Npy Array(string file, out bool exact)
    {
        string exactFile = FilePath(Path.ChangeExtension(file, ".exact_gelu.npy"));
        exact = File.Exists(exactFile);
        return Npy.Load(exact ? exactFile : FilePath(file));
    }

    /// <summary>The normalised pixels of an image chunk, [ny, nx, 3].</summary>
    public float[] Pixels(JsonElement chunk)
    {
        if (chunk.GetProperty("pixels") is { } arrays && arrays.GetArrayLength() > 0)
            return Npy.Load(FilePath(arrays[0].GetProperty("file").GetString()!)).Floats;
        JsonElement png = chunk.GetProperty("pixels_png")[0];
        float[] mean = [.. png.GetProperty("mean").EnumerateArray().Select(value => value.GetSingle())];
        float[] std = [.. png.GetProperty("std").EnumerateArray().Select(value => value.GetSingle())];
        var image = RgbImage.Load(FilePath(png.GetProperty("file").GetString()!));
        return [.. image.Pixels.ToArray().Select((p, i) => (p / 255f - mean[i % 3]) / std[i % 3])];
    }

    /// <summary>What the stored numbers follow: llama.cpp, less what a variant folder changed.</summary>
    public VisionOptions Options => new()
    {
        Weights = new() { Activations = ActivationPrecision.Float32 },
        Compatibility = Compatibility.LlamaCpp,
        QuirkOverride = Path.GetFileName(_folder) switch
        {
            "class_first" => Quirks.All & ~Quirks.ClassTokenLast,
            "class_first_all_layers" => Quirks.All & ~(Quirks.ClassTokenLast | Quirks.SkipLastBlock),
            _ => null,
        },
    };

    private string FilePath(string file) => Path.GetFullPath(Path.Combine(_folder, file));

    private string ModelFile(string file) => FilePath(File.Exists(FilePath(file)) ? file : Path.Combine("..", file));
}
