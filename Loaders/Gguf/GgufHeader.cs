using TinyMllm.Kernels.Quantization;

namespace TinyMllm.Loaders.Gguf;

/// <summary>Where one tensor lies: name, type, sizes and the first byte's offset from the start of the file.</summary>
internal readonly record struct GgufTensorInfo(string Name, TensorType Type, long[] Dimensions, long Offset);

/// <summary>
/// The checked header of one GGUF file: version, metadata, tensor list.
/// <code>
/// magic, version | tensor count, key count | keys | tensor infos | padding | data of tensor 0 | padding | data of tensor 1 …
/// </code>
/// Every offset in it was verified to lie inside the file.
/// </summary>
internal sealed unsafe class GgufHeader
{
    /// <summary>Magic, version and the two counts.</summary>
    public const int MinimumLength = 24;

    /// <summary>"GGUF" read as a little-endian number.</summary>
    public const uint Magic = 0x46554747;

    public const int DefaultAlignment = 32;
    public const int MaximumKeyLength = 65535;
    public const int MaximumNameLength = 63;

    private const int MinimumKeyBytes = 14;
    private const int MinimumTensorBytes = 24;

    private GgufHeader(int version, int alignment, GgufMetadata metadata, List<GgufTensorInfo> tensors)
    {
        Version = version;
        Alignment = alignment;
        Metadata = metadata;
        Tensors = tensors;
    }

    public int Version { get; }

    public int Alignment { get; }

    public GgufMetadata Metadata { get; }

    public IReadOnlyList<GgufTensorInfo> Tensors { get; }

    /// <summary>Reads and checks the header of <paramref name="file"/>.</summary>
    public static GgufHeader Read(MappedFile file)
    {
        using var view = file.Map(0, file.Length);
        var cursor = new GgufCursor(file.Path, view.Data, file.Length);

        uint magic = cursor.Read<uint>();
        if (magic != Magic) throw cursor.Error($"magic 0x{magic:x8}", "0x46554747 (\"GGUF\")");
        int version = ReadVersion(ref cursor);
        long tensorCount = cursor.Read<long>();
        long keyCount = cursor.Read<long>();
        if (keyCount < 0 || keyCount > cursor.Remaining / MinimumKeyBytes)
            throw cursor.Error($"{keyCount} keys", $"at most {cursor.Remaining / MinimumKeyBytes} in a file of {file.Length} bytes");
        if (tensorCount < 0 || tensorCount > cursor.Remaining / MinimumTensorBytes)
            throw cursor.Error($"{tensorCount} tensors", $"at most {cursor.Remaining / MinimumTensorBytes} in a file of {file.Length} bytes");

        var metadata = ReadMetadata(ref cursor, keyCount);
        int alignment = ReadAlignment(ref cursor, metadata);
        var tensors = ReadTensors(ref cursor, tensorCount, alignment);
        return new GgufHeader(version, alignment, metadata, tensors);
    }

    /// <summary>
    /// The smallest multiple of <paramref name="alignment"/> (a power of two) that is not below <paramref name="position"/>.
    /// </summary>
    public static long Pad(long position, int alignment) => checked(position + alignment - 1) & -(long)alignment;

    private static int ReadVersion(ref GgufCursor cursor)
    {
        uint version = cursor.Read<uint>();
        if ((version & 0xFFFF) == 0 && version != 0) throw cursor.Error("a big-endian file", "a little-endian one");
        return version is 2 or 3 ? (int)version : throw cursor.Error($"version {version}", "2 or 3");
    }

    private static GgufMetadata ReadMetadata(ref GgufCursor cursor, long count)
    {
        var values = new OrderedDictionary<string, GgufValue>(StringComparer.Ordinal);
        for (long i = 0; i < count; i++)
        {
            cursor.Subject = $"key {i} of {count}";
            string key = cursor.ReadName(1, MaximumKeyLength, "key");
            cursor.Subject = $"key {GgufFormatException.Quote(key)}";
            if (!values.TryAdd(key, cursor.ReadValue())) throw cursor.Error("it twice", "it once");
        }

        return new GgufMetadata(cursor.Path, values);
    }

    private static int ReadAlignment(ref GgufCursor cursor, GgufMetadata metadata)
    {
        if (!metadata.TryGetValue("general.alignment", out var value)) return DefaultAlignment;
        cursor.Subject = "key 'general.alignment'";
        return value.Value is uint alignment && alignment <= 1 << 30 && uint.IsPow2(alignment)
            ? (int)alignment
            : throw cursor.Error($"{value.Describe()} {value}", "UInt32, a power of two");
    }

    private static List<GgufTensorInfo> ReadTensors(ref GgufCursor cursor, long count, int alignment)
    {
        var tensors = new List<GgufTensorInfo>();
        var names = new HashSet<string>(StringComparer.Ordinal);
        for (long i = 0; i < count; i++)
        {
            cursor.Subject = $"tensor {i} of {count}";
            var tensor = ReadTensor(ref cursor);
            if (!names.Add(tensor.Name)) throw cursor.Error("it twice", "it once");
            tensors.Add(tensor);
        }

        if (count > 0) PlaceTensors(ref cursor, tensors, alignment);
        return tensors;
    }

    private static GgufTensorInfo ReadTensor(ref GgufCursor cursor)
    {
        string name = cursor.ReadName(0, MaximumNameLength, "tensor name");
        cursor.Subject = $"tensor {GgufFormatException.Quote(name)}";

        uint dimensionCount = cursor.Read<uint>();
        if (dimensionCount > 4) throw cursor.Error($"{dimensionCount} dimensions", "at most 4");
        var dimensions = new long[dimensionCount];
        for (int i = 0; i < dimensions.Length; i++) dimensions[i] = cursor.Read<long>();

        uint id = cursor.Read<uint>();
        var type = (TensorType)id;
        if (id > int.MaxValue || type.BlockLength() == 0) throw cursor.Error($"type id {id}", "an id of a tensor type");
        CheckSize(ref cursor, type, dimensions);
        return new GgufTensorInfo(name, type, dimensions, cursor.Read<long>());
    }

    /// <summary>Columns and rows are counted in 32 bits throughout the engine, bytes in 64.</summary>
    private static void CheckSize(ref GgufCursor cursor, TensorType type, ReadOnlySpan<long> dimensions)
    {
        long columns = dimensions.Length > 0 ? dimensions[0] : 1;
        long rows = 1;
        foreach (long size in dimensions)
            if (size is < 0 or > int.MaxValue) throw cursor.Error($"a dimension of {size}", $"0 to {int.MaxValue}");
        for (int i = 1; i < dimensions.Length; i++)
        {
            rows *= dimensions[i];
            if (rows > int.MaxValue) throw cursor.Error($"[{string.Join(", ", dimensions.ToArray())}]", $"at most {int.MaxValue} rows");
        }

        if (columns % type.BlockLength() != 0)
            throw cursor.Error($"rows of {columns} values in {type}", $"a multiple of {type.BlockLength()}");
        if (rows > 0 && type.ByteCount(columns) > long.MaxValue / rows)
            throw cursor.Error($"[{string.Join(", ", dimensions.ToArray())}]", "a size that fits 63 bits");
    }

    /// <summary>
    /// Turns offsets within the data section into offsets in the file, holding each against the running sum that writers must
    /// follow.
    /// </summary>
    private static void PlaceTensors(ref GgufCursor cursor, List<GgufTensorInfo> tensors, int alignment)
    {
        long start = Pad(cursor.Position, alignment);
        long length = cursor.Position + cursor.Remaining;
        long sum = 0;
        for (int i = 0; i < tensors.Count; i++)
        {
            var tensor = tensors[i];
            cursor.Subject = $"tensor {GgufFormatException.Quote(tensor.Name)}";
            if (tensor.Offset != sum)
                throw cursor.Error($"offset {tensor.Offset}", $"{sum}, where the tensors before it end (alignment {alignment})");

            long elements = 1;
            foreach (long size in tensor.Dimensions) elements *= size;
            long bytes = tensor.Type.ByteCount(elements);
            long available = length - start - sum;
            if (bytes > available)
                throw cursor.Error($"{Math.Max(available, 0)} bytes left in the file", $"{bytes} bytes: the file is damaged or incomplete");

            tensors[i] = tensor with { Offset = start + sum };
            sum = Pad(sum + bytes, alignment);
        }
    }
}
