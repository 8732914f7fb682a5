using TinyMllm.Engine;
using TinyMllm.Kernels.Elementwise;
using TinyMllm.Loaders.Gguf;

namespace TinyMllm.Weights;

/// <summary>
/// The weights of a model file, for text and vision alike. A family asks for layers by name and shape; what is missing or has another shape is refused at once, with
/// its name. The layers exist then, but hold no weights: <see cref="Load"/> reads them all, in the order in which they were asked for. So a file is described,
/// checked, and only then loaded.
/// </summary>
/// <remarks>
/// A layer's tensors are called <c>prefix.weight</c> and <c>prefix.bias</c>; the bias is optional everywhere. This object owns every layer that it makes.
/// </remarks>
/// <param name="file">The file, which must stay open.</param>
/// <param name="options">How matrices are held.</param>
internal sealed partial class ModelWeights(GgufFile file, WeightOptions options) : IDisposable
{
    private readonly List<IStoredWeights> _layers = [];

    /// <summary>Path of the file, for messages.</summary>
    public string Path => file.Path;

    /// <summary>The file's metadata.</summary>
    public GgufMetadata Metadata => file.Metadata;

    /// <summary>Whether there is a tensor of this full name.</summary>
    public bool Has(string name) => file.TryGetTensor(name, out _);

    /// <summary>The tensor <paramref name="name"/> of shape <paramref name="sizes"/>.</summary>
    /// <param name="name">Full name.</param>
    /// <param name="sizes">Expected sizes, contiguous one first; 0 = any; none = whatever there is.</param>
    /// <exception cref="UnsupportedModelException">It is missing or of another shape.</exception>
    public StoredTensor Get(string name, params ReadOnlySpan<int> sizes) =>
        Find(name, sizes) ?? throw new UnsupportedModelException($"{Path}: tensor '{name}' is missing");

    /// <summary>The tensor <paramref name="name"/>, or null if there is none.</summary>
    /// <param name="name">Full name.</param>
    /// <param name="sizes">Expected sizes, contiguous one first; 0 = any.</param>
    /// <exception cref="UnsupportedModelException">It is of another shape.</exception>
    public StoredTensor? Find(string name, params ReadOnlySpan<int> sizes)
    {
        if (!file.TryGetTensor(name, out var tensor)) return null;
        return Fits(tensor, sizes) ? tensor : throw Wrong(tensor, $"[{string.Join(", ", sizes.ToArray().Select(size => size == 0 ? "any" : $"{size}"))}]");
    }

    /// <summary>A matrix of <paramref name="inputs"/> columns with any number of rows, or of as many as given.</summary>
    public StoredTensor Matrix(string name, int inputs, int outputs = 0)
    {
        StoredTensor tensor = Get(name);
        if (tensor.Columns == inputs && (outputs == 0 || tensor.Rows == outputs)) return tensor;
        throw Wrong(tensor, $"[{inputs}, {(outputs > 0 ? outputs : "any")}]");
    }

    /// <summary><c>prefix.weight</c> and <c>prefix.bias</c>, the latter null if there is none.</summary>
    public (StoredTensor Weight, StoredTensor? Bias) Pair(string prefix, int inputs, int outputs = 0)
    {
        StoredTensor weight = Matrix(prefix + ".weight", inputs, outputs);
        return (weight, Find(prefix + ".bias", weight.Rows));
    }

    /// <summary>The linear layer <paramref name="prefix"/>; any number of outputs if <paramref name="outputs"/> is 0.</summary>
    public Linear Linear(string prefix, int inputs, int outputs = 0) => Fuse(Pair(prefix, inputs, outputs));

    /// <summary>A linear layer of a matrix that was asked for before.</summary>
    public Linear Linear(StoredTensor weight, StoredTensor? bias = null) => Fuse((weight, bias));

    /// <summary>Several matrices that read the same input, outputs side by side.</summary>
    public Linear Fuse(params ReadOnlySpan<(StoredTensor Weight, StoredTensor? Bias)> parts) => Own(Engine.Linear.Describe(options, parts));

    /// <summary>Several layers of the same shape that read the same input, outputs side by side.</summary>
    public Linear Fuse(int inputs, int outputs, params ReadOnlySpan<string> prefixes)
    {
        var parts = new (StoredTensor, StoredTensor?)[prefixes.Length];
        for (int i = 0; i < parts.Length; i++) parts[i] = Pair(prefixes[i], inputs, outputs);
        return Fuse(parts);
    }

    /// <summary>Two layers with an activation between.</summary>
    public Mlp Mlp(string first, string second, int inputs, Activation activation, int outputs = 0)
    {
        Linear up = Linear(first, inputs);
        return new Mlp(up, Linear(second, up.Outputs, outputs), activation);
    }

    /// <summary>A gated layer: <c>down·(act(gate·x) ⊙ up·x)</c>; any inner width, any number of outputs if <paramref name="outputs"/> is 0.</summary>
    public GatedMlp GatedMlp(string gate, string up, string down, int inputs, int outputs, Activation activation)
    {
        int inner = Outputs(gate);
        return new GatedMlp(Fuse(inputs, inner, gate, up), Linear(down, inner, outputs), activation);
    }

    /// <summary>RMSNorm of <paramref name="width"/> features.</summary>
    public RmsNorm RmsNorm(string prefix, int width, float epsilon) => new(epsilon, Floats(Get(prefix + ".weight", width)));

    /// <summary>LayerNorm of <paramref name="width"/> features.</summary>
    public LayerNorm LayerNorm(string prefix, int width, float epsilon) =>
        new(epsilon, Floats(Get(prefix + ".weight", width)), OptionalFloats(prefix + ".bias", width));

    /// <summary>A vector of <paramref name="width"/> values, or a matrix of <paramref name="rows"/> of them (0: any number).</summary>
    public FloatWeights Floats(string name, int width, int rows = 1) => Floats(rows == 1 ? Get(name, width) : Matrix(name, width, rows));

    /// <summary>A tensor as floats.</summary>
    public FloatWeights Floats(StoredTensor tensor) => Own(new FloatWeights(tensor));

    /// <summary>A vector, or null if the file does not have it.</summary>
    public FloatWeights? OptionalFloats(string name, int width) => Find(name, width) is { } tensor ? Floats(tensor) : null;

    /// <summary>Length of the contiguous dimension of a tensor that must exist.</summary>
    public int Columns(string name) => Get(name).Columns;

    /// <summary>Number of outputs of <c>prefix.weight</c>, which must exist.</summary>
    public int Outputs(string prefix) => Get(prefix + ".weight").Rows;

    /// <summary>Has a layer loaded and disposed with the others.</summary>
    public T Own<T>(T layer)
        where T : IStoredWeights
    {
        _layers.Add(layer);
        return layer;
    }

    /// <summary>Reads the weights of all layers.</summary>
    /// <param name="loaded">Told what share of the bytes is read, about a hundred times; null tells nobody.</param>
    /// <param name="cancellationToken">Takes effect between two matrices.</param>
    /// <exception cref="ObjectDisposedException">The file was closed.</exception>
    public void Load(Action<double>? loaded = null, CancellationToken cancellationToken = default)
    {
        const double Step = 0.01;
        long total = Math.Max(1, _layers.Sum(layer => layer.StoredBytes)), done = 0;
        double told = 0;
        foreach (IStoredWeights layer in _layers)
        {
            cancellationToken.ThrowIfCancellationRequested();
            layer.Load();
            done += layer.StoredBytes;
            double share = (double)done / total;
            if (share - told < Step) continue;
            loaded?.Invoke(told = share);
        }
    }

    /// <summary>Frees all layers.</summary>
    public void Dispose()
    {
        foreach (IStoredWeights layer in _layers) layer.Dispose();
    }

    /// <summary>
    /// One expected size: a vector, wherever its length stands. Two: a matrix, its rows perhaps in several dimensions. More: these sizes, and nothing but ones behind.
    /// </summary>
    private static bool Fits(StoredTensor tensor, ReadOnlySpan<int> sizes)
    {
        switch (sizes.Length)
        {
            case 0: return true;
            case 1: return tensor.ElementCount == sizes[0] && tensor.Dimensions.Count(size => size != 1) <= 1;
            case 2: return (sizes[0] == 0 || tensor.Columns == sizes[0]) && (sizes[1] == 0 || tensor.Rows == sizes[1]);
        }

        for (int i = 0; i < Math.Max(sizes.Length, tensor.Dimensions.Count); i++)
        {
            int expected = i < sizes.Length ? sizes[i] : 1;
            if (expected != 0 && tensor.Dimension(i) != expected) return false;
        }

        return true;
    }

    private UnsupportedModelException Wrong(StoredTensor tensor, string expected) =>
        new($"{Path}: tensor '{tensor.Name}' is [{string.Join(", ", tensor.Dimensions)}], expected {expected}");
}
