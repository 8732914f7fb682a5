using System.Diagnostics.CodeAnalysis;
using TinyMllm.Engine;

namespace TinyMllm.Loaders.Gguf;

/// <summary>
/// An open GGUF model: metadata and tensors, mapped from one file or from all parts of a split one
/// (<c>NAME-00001-of-00003.gguf</c> …, found by themselves beside the first).
/// Tensors are views of the file: they live until it is disposed. A file that is disposed while a model computes with it is unmapped when
/// that is over.
/// </summary>
public sealed class GgufFile : IDisposable
{
    private readonly List<MappedFile> _parts;
    private readonly Lifetime _lifetime;
    private readonly OrderedDictionary<string, StoredTensor> _tensors;

    private GgufFile(GgufHeader header, List<MappedFile> parts, OrderedDictionary<string, StoredTensor> tensors)
    {
        _parts = parts;
        _tensors = tensors;
        _lifetime = new Lifetime(this, Unmap);
        Metadata = header.Metadata;
        Version = header.Version;
        Alignment = header.Alignment;
    }

    /// <summary>Path as given.</summary>
    public string Path => _parts[0].Path;

    /// <summary>Format version, 2 or 3.</summary>
    public int Version { get; }

    /// <summary>Tensors start at multiples of this many bytes.</summary>
    public int Alignment { get; }

    /// <summary>Paths of all parts.</summary>
    internal IEnumerable<string> PartPaths => _parts.Select(part => part.Path);

    /// <summary>Number of files the model is split into, 1 for most.</summary>
    public int PartCount => _parts.Count;

    /// <summary>Size of all parts together, in bytes.</summary>
    public long Length => _parts.Sum(part => part.Length);

    /// <summary>The key-value part (of the first file, which carries it all).</summary>
    public GgufMetadata Metadata { get; }

    /// <summary>
    /// Value of <c>general.architecture</c>, which also starts the names of the model's own keys; "" when the file has none.
    /// </summary>
    public string Architecture => Metadata.GetString("general.architecture", "");

    /// <summary>All tensors, in the order of the file.</summary>
    public IReadOnlyList<StoredTensor> Tensors => _tensors.Values;

    /// <summary>Tensors with NaN or infinite numbers, as far as they were read.</summary>
    internal IReadOnlyList<InvalidTensor> InvalidTensors =>
        [.. _tensors.Values.Where(tensor => tensor.InvalidBlock >= 0).Select(tensor => new InvalidTensor(tensor, tensor.InvalidBlock))];

    /// <summary>Opens and checks a model.</summary>
    /// <param name="path">The file, or the first part of a split model.</param>
    /// <exception cref="GgufFormatException">The file is damaged, incomplete or of an unknown version.</exception>
    /// <exception cref="IOException">The file, or a part of it, is absent or cannot be read.</exception>
    public static GgufFile Open(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        var parts = new List<MappedFile>();
        try
        {
            parts.Add(new MappedFile(path));
            var header = GgufHeader.Read(parts[0]);
            var tensors = new OrderedDictionary<string, StoredTensor>(StringComparer.Ordinal);
            AddTensors(tensors, parts[0], header);
            foreach (string next in GgufSplit.OtherParts(header.Metadata))
            {
                var part = new MappedFile(next);
                parts.Add(part);
                var partHeader = GgufHeader.Read(part);
                GgufSplit.CheckPart(partHeader.Metadata, parts.Count - 1);
                AddTensors(tensors, part, partHeader);
            }

            GgufSplit.CheckTensorCount(header.Metadata, tensors.Count);
            return new GgufFile(header, parts, tensors);
        }
        catch
        {
            foreach (var part in parts) part.Dispose();
            throw;
        }
    }

    /// <summary>The tensor called <paramref name="name"/>; false when there is none.</summary>
    public bool TryGetTensor(string name, [NotNullWhen(true)] out StoredTensor? tensor) => _tensors.TryGetValue(name, out tensor);

    /// <summary>The tensor called <paramref name="name"/>, or null.</summary>
    public StoredTensor? FindTensor(string name) => _tensors.GetValueOrDefault(name);

    /// <summary>The tensor called <paramref name="name"/>.</summary>
    /// <exception cref="GgufFormatException">There is none.</exception>
    public StoredTensor GetTensor(string name) =>
        _tensors.TryGetValue(name, out var tensor) ? tensor : throw new GgufFormatException(Path, $"tensor '{name}'", "none", "one");

    /// <summary>
    /// The tensor called <paramref name="name"/>, which must have these sizes (contiguous one first; trailing ones may be left
    /// out).
    /// </summary>
    /// <exception cref="GgufFormatException">There is none, or it has other sizes.</exception>
    public StoredTensor GetTensor(string name, params ReadOnlySpan<int> dimensions)
    {
        var tensor = GetTensor(name);
        for (int i = 0; i < 4; i++)
        {
            if (tensor.Dimension(i) == (i < dimensions.Length ? dimensions[i] : 1)) continue;
            throw new GgufFormatException(
                Path, $"tensor '{name}'", $"[{string.Join(", ", tensor.Dimensions)}]", $"[{string.Join(", ", dimensions.ToArray())}]");
        }

        return tensor;
    }

    /// <summary>Reads all tensors and finds those with NaN or infinite numbers.</summary>
    /// <param name="cancellationToken">Takes effect within a few megabytes.</param>
    /// <exception cref="ObjectDisposedException">The file was closed.</exception>
    public IReadOnlyList<InvalidTensor> FindInvalidTensors(CancellationToken cancellationToken = default)
    {
        using var open = Use();
        try
        {
            Parallel.ForEach(_tensors.Values, tensor => ((MappedTensor)tensor).IsInvalid(cancellationToken));
        }
        catch (AggregateException) when (cancellationToken.IsCancellationRequested)
        {
            throw new OperationCanceledException(cancellationToken);
        }

        return InvalidTensors;
    }

    /// <summary>Unmaps everything: pointers into tensors are invalid afterwards.</summary>
    public void Dispose() => _lifetime.Dispose();

    /// <summary>Keeps the tensors mapped until the result is disposed.</summary>
    /// <exception cref="ObjectDisposedException">The file was closed.</exception>
    internal Lifetime.Usage Use() => _lifetime.Use();

    private void Unmap()
    {
        foreach (var tensor in _tensors.Values) ((MappedTensor)tensor).Dispose();
        foreach (var part in _parts) part.Dispose();
    }

    private static void AddTensors(OrderedDictionary<string, StoredTensor> tensors, MappedFile part, GgufHeader header)
    {
        foreach (var (name, type, dimensions, offset) in header.Tensors)
        {
            if (tensors.TryAdd(name, new MappedTensor(part, name, type, dimensions, offset))) continue;
            throw new GgufFormatException(part.Path, $"tensor {GgufFormatException.Quote(name)}", "it in another part too", "it once");
        }
    }
}
