using TinyMllm.Engine;
using TinyMllm.Kernels.Elementwise;
using TinyMllm.Kernels.Quantization;
using TinyMllm.Loaders.Gguf;
using TinyMllm.Vision.Transformer;

namespace TinyMllm.Vision;

/// <summary>The tensors of an mmproj file, made into layers with their shapes checked. Owns what it makes.</summary>
/// <remarks>A layer's tensors are called <c>prefix.weight</c> and <c>prefix.bias</c>; biases are optional everywhere.</remarks>
internal sealed unsafe class VisionWeights(GgufFile file, WeightOptions options) : IDisposable
{
    private readonly List<IDisposable> _owned = [];

    /// <summary>The file.</summary>
    public GgufFile File => file;

    /// <summary>Its metadata.</summary>
    public GgufMetadata Metadata => file.Metadata;

    /// <summary>True if there is a tensor of this full name.</summary>
    public bool Has(string name) => file.TryGetTensor(name, out _);

    /// <summary>Length of the contiguous dimension of a tensor that must exist.</summary>
    public int Columns(string name) => file.GetTensor(name).Columns;

    /// <summary>Number of outputs of <c>prefix.weight</c>, which must exist.</summary>
    public int Outputs(string prefix) => file.GetTensor(prefix + ".weight").Rows;

    /// <summary>The linear layer <paramref name="prefix"/>; any number of outputs if <paramref name="outputs"/> is 0.</summary>
    public Linear Linear(string prefix, int inputs, int outputs = 0) =>
        Own(Engine.Linear.Create(options, Matrix(prefix, inputs, outputs), Bias(prefix, outputs == 0 ? Outputs(prefix) : outputs)));

    /// <summary>Several layers that read the same input, outputs side by side.</summary>
    public Linear Fuse(int inputs, int outputs, params ReadOnlySpan<string> prefixes)
    {
        var parts = new (StoredTensor, StoredTensor?)[prefixes.Length];
        for (int i = 0; i < parts.Length; i++) parts[i] = (Matrix(prefixes[i], inputs, outputs), Bias(prefixes[i], outputs));
        return Own(Engine.Linear.Fuse(options, parts));
    }

    /// <summary>
    /// A convolution as a matrix product over windows in the order (ky, kx, channel): the stored order (channel, ky, kx) is changed here
    /// once.
    /// </summary>
    /// <param name="prefix">Name of the layer.</param>
    /// <param name="kernel">Side of the window.</param>
    /// <param name="channels">Input channels.</param>
    /// <param name="outputs">Output channels; 0: any.</param>
    /// <param name="second">Name of a second kernel that sees the same window (the second frame of a still picture), or null.</param>
    public Linear Convolution(string prefix, int kernel, int channels, int outputs = 0, string? second = null)
    {
        if (outputs == 0) outputs = file.GetTensor(prefix + ".weight").Dimension(3);
        using NativeBuffer<float> weight = ChannelsLast(prefix + ".weight", kernel, channels, outputs);
        if (second is not null)
        {
            using NativeBuffer<float> other = ChannelsLast(second, kernel, channels, outputs);
            for (int i = 0; i < weight.Length; i++) weight.Span[i] += other.Span[i];
        }

        StoredTensor matrix = new(prefix + ".weight", TensorType.F32, [kernel * kernel * channels, outputs], (byte*)weight.Pointer);
        return Own(Engine.Linear.Create(options, matrix, Bias(prefix, outputs)));
    }

    /// <summary>A matrix stored [outputs, inputs] instead of [inputs, outputs] (Gemma 3).</summary>
    public Linear TransposedLinear(string prefix, int inputs)
    {
        StoredTensor stored = file.GetTensor(prefix + ".weight");
        if (stored.Rows != inputs) throw Wrong(stored, $"[outputs, {inputs}]");
        int outputs = stored.Columns;
        using NativeBuffer<float> values = stored.DecodeToBuffer();
        stored.Release();
        using NativeBuffer<float> weight = new(values.Length);
        for (int o = 0; o < outputs; o++)
            for (int i = 0; i < inputs; i++) weight.Pointer[(long)o * inputs + i] = values.Pointer[(long)i * outputs + o];
        StoredTensor matrix = new(prefix + ".weight", TensorType.F32, [inputs, outputs], (byte*)weight.Pointer);
        return Own(Engine.Linear.Create(options, matrix, Bias(prefix, outputs)));
    }

    /// <summary>
    /// A matrix whose inputs are windows stored (channel, ky, kx); as <see cref="Convolution"/> for a two-dimensional tensor.
    /// </summary>
    public Linear WindowMatrix(string prefix, int kernel, int channels, int outputs)
    {
        StoredTensor stored = Matrix(prefix, kernel * kernel * channels, outputs);
        using NativeBuffer<float> weight = new(stored.ElementCount);
        Permute(stored, kernel, channels, outputs, weight.Span);
        StoredTensor matrix = new(prefix + ".weight", TensorType.F32, [stored.Columns, outputs], (byte*)weight.Pointer);
        return Own(Engine.Linear.Create(options, matrix, Bias(prefix, outputs)));
    }

    /// <summary>A depthwise kernel, stored [K, K, channels] or [K, K, 1, channels], as (ky, kx, channel).</summary>
    public NativeBuffer<float> DepthwiseKernel(string name, int kernel, int channels)
    {
        StoredTensor stored = file.GetTensor(name);
        int length = kernel * kernel * channels;
        if (stored.Dimension(0) != kernel || stored.Dimension(1) != kernel || stored.ElementCount != length)
            throw Wrong(stored, $"[{kernel}, {kernel}, {channels}]");
        NativeBuffer<float> result = Own(new NativeBuffer<float>(length));
        Permute(stored, kernel, channels, 1, result.Span);
        return result;
    }

    /// <summary>The norm <paramref name="prefix"/>, or null if there is none.</summary>
    public INorm? OptionalNorm(string prefix, int width, NormKind kind, float epsilon) =>
        Has(prefix + ".weight") ? Norm(prefix, width, kind, epsilon) : null;

    /// <summary>The norm <paramref name="prefix"/> over <paramref name="width"/> features.</summary>
    public INorm Norm(string prefix, int width, NormKind kind, float epsilon)
    {
        StoredTensor weight = file.GetTensor(prefix + ".weight", width);
        return Own<INorm>(kind == NormKind.Rms ? new RmsNorm(weight, epsilon) : new LayerNorm(weight, Bias(prefix, width), epsilon));
    }

    /// <summary>Two layers with an activation between: what most projectors are.</summary>
    public Mlp Mlp(string first, string second, int inputs, Activation activation, int outputs = 0)
    {
        Linear up = Linear(first, inputs);
        return new Mlp(up, Linear(second, up.Outputs, outputs), activation);
    }

    /// <summary>A gated layer: <c>down·(act(gate·x) ⊙ up·x)</c>.</summary>
    public GatedMlp GatedMlp(string gate, string up, string down, int inputs, int outputs, Activation activation)
    {
        int hidden = Outputs(gate);
        return new GatedMlp(Fuse(inputs, hidden, gate, up), Linear(down, hidden, outputs), activation);
    }

    /// <summary>A vector, or a matrix of <paramref name="rows"/> vectors, as floats.</summary>
    public Matrix Floats(string name, int width, int rows = 1)
    {
        StoredTensor stored = file.GetTensor(name);
        if (stored.Columns != width || (rows > 0 && stored.Rows != rows))
            throw Wrong(stored, rows == 1 ? $"[{width}]" : $"[{width}, {(rows > 0 ? rows : "rows")}]");
        NativeBuffer<float> buffer = Own(stored.DecodeToBuffer());
        stored.Release();
        return new Matrix(buffer.Pointer, stored.Rows, width);
    }

    /// <summary>A vector if the file has it.</summary>
    public Matrix? OptionalFloats(string name, int width) => Has(name) ? Floats(name, width) : null;

    /// <summary>Keeps <paramref name="item"/> until the weights are disposed.</summary>
    public T Own<T>(T item) where T : IDisposable
    {
        _owned.Add(item);
        return item;
    }

    /// <summary>Frees all layers.</summary>
    public void Dispose()
    {
        foreach (IDisposable item in _owned) item.Dispose();
        _owned.Clear();
    }

    private GgufFormatException Wrong(StoredTensor tensor, string expected) =>
        new(file.Path, $"tensor '{tensor.Name}'", $"[{string.Join(", ", tensor.Dimensions)}]", expected);

    private StoredTensor Matrix(string prefix, int inputs, int outputs)
    {
        StoredTensor tensor = file.GetTensor(prefix + ".weight");
        if (tensor.Columns != inputs || (outputs > 0 && tensor.Rows != outputs))
            throw Wrong(tensor, $"[{inputs}, {(outputs > 0 ? outputs : "outputs")}]");
        return tensor;
    }

    private StoredTensor? Bias(string prefix, int length)
    {
        if (!file.TryGetTensor(prefix + ".bias", out StoredTensor? bias)) return null;
        return bias.ElementCount == length ? bias : throw Wrong(bias, $"[{length}]");
    }

    private NativeBuffer<float> ChannelsLast(string name, int kernel, int channels, int outputs)
    {
        StoredTensor stored = file.GetTensor(name, kernel, kernel, channels, outputs);
        var result = new NativeBuffer<float>(stored.ElementCount);
        Permute(stored, kernel, channels, outputs, result.Span);
        return result;
    }

    /// <summary>[output, channel, window] → [output, window, channel].</summary>
    private static void Permute(StoredTensor stored, int kernel, int channels, int outputs, Span<float> target)
    {
        using NativeBuffer<float> values = stored.DecodeToBuffer();
        stored.Release();
        int window = kernel * kernel;
        ReadOnlySpan<float> from = values.Span;
        for (int o = 0; o < outputs; o++)
        {
            for (int c = 0; c < channels; c++)
                for (int k = 0; k < window; k++) target[(o * window + k) * channels + c] = from[(o * channels + c) * window + k];
        }
    }
}
