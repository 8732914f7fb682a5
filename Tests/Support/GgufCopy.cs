using TinyMllm.Engine;
using TinyMllm.Loaders.Gguf;

namespace TinyMllm.Tests.Support;

/// <summary>A copy of a GGUF file with some keys and tensors changed; gone when disposed.</summary>
internal sealed unsafe class GgufCopy : IDisposable
{
    private readonly Dictionary<string, byte[]> _tensors = [];
    private readonly GgufWriter _writer = new();

    /// <param name="original">File to copy.</param>
    public GgufCopy(string original)
    {
        using var file = GgufFile.Open(original);
        foreach ((string key, GgufValue value) in file.Metadata.Entries) _writer.Set(key, value);
        foreach (StoredTensor tensor in file.Tensors)
        {
            byte[] bytes = _tensors[tensor.Name] = new ReadOnlySpan<byte>(tensor.Data, (int)tensor.ByteCount).ToArray();
            _writer.Add(tensor.Name, tensor.Type, [.. tensor.Dimensions], bytes);
        }
    }

    /// <summary>Where the copy lies once it is saved.</summary>
    public string Path { get; } = System.IO.Path.Combine(System.IO.Path.GetTempPath(), $"tinymllm-{Guid.NewGuid():n}.gguf");

    /// <summary>Sets a key.</summary>
    public GgufCopy Set(string key, GgufValue value)
    {
        _writer.Set(key, value);
        return this;
    }

    /// <summary>Changes the bytes of a tensor.</summary>
    public GgufCopy Change(string tensor, Action<byte[]> change)
    {
        change(_tensors[tensor]);
        return this;
    }

    /// <summary>Writes the copy.</summary>
    public string Save()
    {
        _writer.Save(Path);
        return Path;
    }

    public void Dispose() => File.Delete(Path);
}
