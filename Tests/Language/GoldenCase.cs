using System.Text.Json;
using TinyMllm.Engine;
using TinyMllm.Language;
using TinyMllm.Loaders.Gguf;
using TinyMllm.Tests.Support;

namespace TinyMllm.Tests.Language;

/// <summary>One golden folder of a language model: the prompt, and the logits that must come out of it.</summary>
internal sealed class GoldenCase : IDisposable
{
    private readonly JsonDocument _expected;
    private readonly string _folder;

    public GoldenCase(string folder)
    {
        _folder = Golden.Path(folder);
        _expected = JsonDocument.Parse(File.ReadAllText(Path.Combine(_folder, "expected.json")));

        // Variants of a folder share its model.
        string model = Path.Combine(_folder, "model.gguf");
        Model = GgufFile.Open(File.Exists(model) ? model : Path.Combine(Path.GetDirectoryName(_folder)!, "model.gguf"));
    }

    public GgufFile Model { get; }

    public JsonElement Expected => _expected.RootElement;

    public double LogitsStd => Expected.GetProperty("logits_std").GetDouble();

    public int[] Greedy => Ints(Expected.GetProperty("greedy"));

    /// <summary>The array that a float32 engine is compared with: the one computed with float32 GELU where there is one.</summary>
    public Npy Array(string name)
    {
        string exact = Path.Combine(_folder, name + ".exact_gelu.npy");
        return Npy.Load(File.Exists(exact) ? exact : Path.Combine(_folder, name + ".npy"));
    }

    public static int[] Ints(JsonElement array) => [.. array.EnumerateArray().Select(value => value.GetInt32())];

    /// <summary>Runs the prompt and the greedy continuation; rows as in <c>logits.npy</c>.</summary>
    /// <param name="options">How the model is loaded.</param>
    /// <param name="kv">Type of the cache; the goldens were made with F32.</param>
    /// <param name="threads">Threads.</param>
    /// <param name="fed">Tokens of the continuation; null = the golden's greedy ones.</param>
    public float[][] Run(LanguageModelOptions options, KvType kv = KvType.F32, int threads = 2, int[]? fed = null)
    {
        using var pool = new WorkerPool(threads);
        using var workspace = new Workspace(pool);
        using var model = LanguageModel.Load(Model, options with { Context = 256 });
        using var cache = model.CreateCache(1024, kv);
        var rows = new List<float[]>();
        float[] logits = new float[model.VocabularySize];
        int position = Expected.TryGetProperty("chunks", out var chunks)
            ? ReadChunks(chunks, model, workspace, cache, logits)
            : ReadTokens(Ints(Expected.GetProperty("tokens")), 0, model, workspace, cache, logits);
        int[] greedy = fed ?? Greedy;
        rows.Add([.. logits]);
        for (int step = 0; step < greedy.Length - 1; step++)
        {
            position = ReadTokens([greedy[step]], position, model, workspace, cache, logits);
            rows.Add([.. logits]);
        }

        return [.. rows];
    }

    public void Dispose()
    {
        Model.Dispose();
        _expected.Dispose();
    }

    private static int ReadTokens(int[] tokens, int position, LanguageModel model, Workspace workspace, KvCache cache, Span<float> logits)
    {
        model.Forward(workspace, cache, Batch.Text(tokens, position), logits);
        return position + tokens.Length;
    }

    private int ReadChunks(JsonElement chunks, LanguageModel model, Workspace workspace, KvCache cache, Span<float> logits)
    {
        int end = 0;
        foreach (var chunk in chunks.EnumerateArray())
        {
            int position = chunk.GetProperty("pos0").GetInt32();
            if (chunk.GetProperty("type").GetString() == "text")
            {
                end = ReadTokens(Ints(chunk.GetProperty("tokens")), position, model, workspace, cache, logits);
                continue;
            }

            ReadPicture(chunk, position, model, workspace, cache, logits);
            end = position + chunk.GetProperty("n_pos").GetInt32();
        }

        return end;
    }

    private unsafe void ReadPicture(JsonElement chunk, int position, LanguageModel model, Workspace workspace, KvCache cache, Span<float> logits)
    {
        var array = Array(Path.GetFileNameWithoutExtension(chunk.GetProperty("embd").GetString()!));
        bool nonCausal = chunk.GetProperty("non_causal").GetBoolean();
        fixed (float* data = array.Floats)
        {
            var rows = new Matrix(data, array.Shape[0], array.Shape[1]);
            if (!chunk.TryGetProperty("mrope_t", out var time))
            {
                model.Forward(workspace, cache, Batch.Picture(rows, position, nonCausal), logits);
                return;
            }

            int[] positions = [.. Ints(time), .. Ints(chunk.GetProperty("mrope_y")), .. Ints(chunk.GetProperty("mrope_x"))];
            model.Forward(workspace, cache, Batch.Picture(rows, positions, nonCausal), logits);
        }
    }
}
