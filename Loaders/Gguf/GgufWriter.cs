using System.Text;
using TinyMllm.Engine;
using TinyMllm.Kernels.Quantization;
using TinyMllm.Loaders.Files;

namespace TinyMllm.Loaders.Gguf;

/// <summary>Writes the bytes of one tensor, exactly as many as its type and sizes say.</summary>
/// <param name="stream">Where to write.</param>
/// <param name="cancellationToken">Stops long work.</param>
public delegate void GgufTensorContent(Stream stream, CancellationToken cancellationToken);

/// <summary>
/// Composes a GGUF file: keys and tensors in the order they were added, data in strict order with zero padding. Tensor bytes are asked for
/// only while the file is written, so that a model larger than the memory can pass through.
/// </summary>
public sealed class GgufWriter
{
    private readonly OrderedDictionary<string, GgufValue> _metadata = new(StringComparer.Ordinal);
    private readonly List<Entry> _tensors = [];
    private readonly HashSet<string> _names = new(StringComparer.Ordinal);

    private readonly record struct Entry(string Name, TensorType Type, long[] Dimensions, long ByteCount, GgufTensorContent Content);

    /// <summary>Keys set so far.</summary>
    public IEnumerable<KeyValuePair<string, GgufValue>> Metadata => _metadata;

    /// <summary>Number of tensors added so far.</summary>
    public int TensorCount => _tensors.Count;

    /// <summary>Bytes of all tensors added so far, without padding.</summary>
    public long TensorBytes => _tensors.Sum(tensor => tensor.ByteCount);

    private int Alignment => _metadata.TryGetValue("general.alignment", out var value) ? (int)(uint)value.Value : GgufHeader.DefaultAlignment;

    /// <summary>Sets a key; a new one goes last. <c>general.alignment</c> (UInt32, a power of two) takes effect on the layout.</summary>
    /// <exception cref="ArgumentException">The key is empty or too long, or the alignment is not a power of two.</exception>
    public void Set(string key, GgufValue value)
    {
        if (Encoding.UTF8.GetByteCount(key) is 0 or > GgufHeader.MaximumKeyLength)
            throw new ArgumentException($"a key takes 1 to {GgufHeader.MaximumKeyLength} bytes, not {Encoding.UTF8.GetByteCount(key)}", nameof(key));
        if (key == "general.alignment" && !(value.Value is uint alignment && uint.IsPow2(alignment) && alignment <= 1 << 30))
            throw new ArgumentException($"an alignment is a UInt32 power of two, not {value.Describe()} {value}", nameof(value));
        _metadata[key] = value;
    }

    /// <summary>Takes a key away, if it is there.</summary>
    public void Remove(string key) => _metadata.Remove(key);

    /// <summary>Adds a tensor whose bytes <paramref name="content"/> writes when the file is saved.</summary>
    /// <param name="name">At most 63 bytes, unique.</param>
    /// <param name="type">Element type.</param>
    /// <param name="dimensions">One to four sizes, contiguous first; trailing ones of 1 are dropped.</param>
    /// <param name="content">Writes the data.</param>
    /// <exception cref="ArgumentException">The name, type or sizes are not allowed in a file.</exception>
    public void Add(string name, TensorType type, ReadOnlySpan<long> dimensions, GgufTensorContent content)
    {
        if (Encoding.UTF8.GetByteCount(name) > GgufHeader.MaximumNameLength || name.Contains('\0'))
            throw new ArgumentException($"tensor '{name}': a name takes at most {GgufHeader.MaximumNameLength} bytes and has no NUL", nameof(name));
        if (dimensions.Length is 0 or > 4 || dimensions.ContainsAnyExceptInRange(0, int.MaxValue))
            throw new ArgumentException($"tensor '{name}': [{string.Join(", ", dimensions.ToArray())}] is not one to four sizes", nameof(dimensions));
        if (type.BlockLength() == 0 || dimensions[0] % type.BlockLength() != 0)
            throw new ArgumentException($"tensor '{name}': rows of {dimensions[0]} values cannot be stored as {type}", nameof(type));
        if (!_names.Add(name)) throw new ArgumentException($"tensor '{name}' is there already", nameof(name));

        while (dimensions.Length > 1 && dimensions[^1] == 1) dimensions = dimensions[..^1];
        long count = 1;
        foreach (long size in dimensions) count = checked(count * size);
        _tensors.Add(new Entry(name, type, dimensions.ToArray(), type.ByteCount(count), content));
    }

    /// <summary>Adds a tensor given as bytes.</summary>
    public void Add(string name, TensorType type, ReadOnlySpan<long> dimensions, ReadOnlyMemory<byte> data) =>
        Add(name, type, dimensions, (stream, _) => stream.Write(data.Span));

    /// <summary>Adds a copy of a tensor of another file, which must stay open until the file is saved.</summary>
    public void Add(StoredTensor tensor) => Add(tensor, static () => { });

    /// <summary>As <see cref="Add(StoredTensor)"/>; calls <paramref name="written"/> when the data is written.</summary>
    internal void Add(StoredTensor tensor, Action written)
    {
        long[] dimensions = tensor.Dimensions.Count == 0 ? [1] : [.. tensor.Dimensions];
        Add(tensor.Name, tensor.Type, dimensions, (stream, cancellationToken) =>
        {
            Copy(tensor, stream, cancellationToken);
            written();
        });
    }

    /// <summary>Writes the whole file to <paramref name="stream"/>, from where it stands.</summary>
    public void WriteTo(Stream stream, CancellationToken cancellationToken = default) => Write(stream, _metadata, _tensors, cancellationToken);

    /// <summary>
    /// Writes the file at <paramref name="path"/>. It appears whole or not at all: the work goes to a temporary neighbour, which
    /// then takes the name. Links are followed.
    /// </summary>
    /// <exception cref="IOException">It cannot be written, or the path is a device, a pipe, a folder or a write-protected file.</exception>
    /// <exception cref="OperationCanceledException">Nothing is left behind.</exception>
    public void Save(string path, CancellationToken cancellationToken = default) => Save(path, [], cancellationToken);

    /// <summary>As <see cref="Save(string, CancellationToken)"/>; refuses to replace one of the files that the tensors come from.</summary>
    internal void Save(string path, string[] sources, CancellationToken cancellationToken) =>
        OutputFile.Write(path, stream => WriteTo(stream, cancellationToken), sources);

    /// <summary>
    /// Writes the model as several files, <c>PREFIX-00001-of-0000N.gguf</c> …, of at most <paramref name="tensorsPerPart"/> tensors
    /// each. They appear when all of them are whole.
    /// </summary>
    /// <returns>The paths; open the model by the first.</returns>
    /// <exception cref="IOException">One cannot be written, or is a device, a pipe, a folder or a write-protected file.</exception>
    public string[] SaveSplit(string prefix, int tensorsPerPart, CancellationToken cancellationToken = default)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(tensorsPerPart, 1);
        Entry[][] parts = _tensors.Count == 0 ? [[]] : [.. _tensors.Chunk(tensorsPerPart)];
        ArgumentOutOfRangeException.ThrowIfGreaterThan(parts.Length, ushort.MaxValue, nameof(tensorsPerPart));
        var paths = new string[parts.Length];
        var files = new List<OutputFile>();
        try
        {
            for (int i = 0; i < parts.Length; i++)
            {
                paths[i] = prefix + GgufSplit.Suffix(i, parts.Length);
                files.Add(OutputFile.Create(paths[i]));
                WritePart(files[i].Stream, i, parts, cancellationToken);
            }

            foreach (OutputFile file in files) file.Commit();
            return paths;
        }
        finally
        {
            foreach (OutputFile file in files) file.Dispose();
        }
    }

    private void WritePart(Stream stream, int number, Entry[][] parts, CancellationToken cancellationToken)
    {
        var metadata = new OrderedDictionary<string, GgufValue>(number == 0 ? _metadata : [], StringComparer.Ordinal)
        {
            [GgufSplit.NumberKey] = GgufValue.From((ushort)number),
            [GgufSplit.CountKey] = GgufValue.From((ushort)parts.Length),
            [GgufSplit.TensorCountKey] = GgufValue.From(_tensors.Count),
        };
        if (number > 0 && _metadata.TryGetValue("general.alignment", out var alignment)) metadata["general.alignment"] = alignment;
        Write(stream, metadata, parts[number], cancellationToken);
    }

    private void Write(Stream stream, OrderedDictionary<string, GgufValue> metadata, IReadOnlyList<Entry> tensors, CancellationToken cancellationToken)
    {
        int alignment = Alignment;
        var header = new GgufHeaderWriter();
        header.Start(tensors.Count, metadata.Count);
        foreach (var (key, value) in metadata) header.KeyValue(key, value);
        long offset = 0;
        foreach (var tensor in tensors)
        {
            header.Tensor(tensor.Name, (uint)tensor.Type, tensor.Dimensions, offset);
            offset = GgufHeader.Pad(checked(offset + tensor.ByteCount), alignment);
        }

        stream.Write(header.Written.Span);
        PadFrom(stream, header.Written.Length, alignment);
        foreach (var tensor in tensors)
        {
            cancellationToken.ThrowIfCancellationRequested();
            using var counted = new CountingStream(stream);
            tensor.Content(counted, cancellationToken);
            if (counted.Position != tensor.ByteCount)
            {
                throw new InvalidOperationException(
                    $"tensor '{tensor.Name}': {counted.Position} bytes were written, its type and sizes ask for {tensor.ByteCount}");
            }

            PadFrom(stream, tensor.ByteCount, alignment);
        }
    }

    private static void PadFrom(Stream stream, long length, int alignment)
    {
        Span<byte> zeros = stackalloc byte[256];
        zeros.Clear();
        for (long left = GgufHeader.Pad(length, alignment) - length; left > 0; left -= zeros.Length)
            stream.Write(zeros[..(int)Math.Min(left, zeros.Length)]);
    }

    private static unsafe void Copy(StoredTensor tensor, Stream stream, CancellationToken cancellationToken)
    {
        const int chunk = 16 << 20;
        using (TensorPin pin = tensor.Pin())
        {
            for (long done = 0; done < tensor.ByteCount; done += chunk)
            {
                cancellationToken.ThrowIfCancellationRequested();
                stream.Write(new ReadOnlySpan<byte>(pin.Data + done, (int)Math.Min(chunk, tensor.ByteCount - done)));
            }
        }

        tensor.Release();
    }

    /// <summary>Passes bytes on and counts them.</summary>
    private sealed class CountingStream(Stream target) : Stream
    {
        private long _count;

        public override bool CanRead => false;

        public override bool CanSeek => false;

        public override bool CanWrite => true;

        public override long Length => _count;

        public override long Position
        {
            get => _count;
            set => throw new NotSupportedException();
        }

        public override void Write(ReadOnlySpan<byte> buffer)
        {
            target.Write(buffer);
            _count += buffer.Length;
        }

        public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

        public override void Flush() => target.Flush();

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();
    }
}
