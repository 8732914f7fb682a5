using TinyMllm.Engine;
using TinyMllm.Loaders.Gguf;

namespace TinyMllm.Language;

/// <summary>The tensors of a model file, looked up by name and checked for shape; whatever is missing or wrong is named.</summary>
internal sealed class ModelTensors(GgufFile file)
{
    /// <summary>Whether there is a tensor of that name.</summary>
    public bool Has(string name) => file.TryGetTensor(name, out _);

    /// <summary>The tensor <paramref name="name"/> of shape <paramref name="dimensions"/>, contiguous one first.</summary>
    /// <exception cref="UnsupportedModelException">It is missing or of another shape or of a type that cannot be decoded.</exception>
    public StoredTensor Get(string name, params ReadOnlySpan<int> dimensions) =>
        Find(name, dimensions) ?? throw new UnsupportedModelException($"{file.Path}: tensor '{name}' is missing");

    /// <summary>The tensor <paramref name="name"/>, or null if there is none.</summary>
    /// <exception cref="UnsupportedModelException">It is of another shape or of a type that cannot be decoded.</exception>
    public StoredTensor? Find(string name, params ReadOnlySpan<int> dimensions)
    {
        if (!file.TryGetTensor(name, out var tensor)) return null;
        bool fits = tensor.Dimensions.Count <= Math.Max(dimensions.Length, 1) || Trailing(tensor, dimensions.Length);
        for (int i = 0; i < dimensions.Length; i++) fits &= tensor.Dimension(i) == dimensions[i];
        if (!fits)
        {
            string found = string.Join(", ", tensor.Dimensions), expected = string.Join(", ", dimensions.ToArray());
            throw new UnsupportedModelException($"{file.Path}: tensor '{name}' is [{found}], expected [{expected}]");
        }

        return tensor;
    }

    private static bool Trailing(StoredTensor tensor, int count) => tensor.Dimensions.Skip(count).All(size => size == 1);
}
