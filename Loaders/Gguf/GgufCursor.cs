using System.Runtime.CompilerServices;
using System.Text;

namespace TinyMllm.Loaders.Gguf;

/// <summary>
/// Reads the packed little-endian fields of a GGUF header one after another. Nothing is read, and nothing allocated, before
/// the length is checked against what is left of the file.
/// </summary>
internal unsafe ref struct GgufCursor
{
    /// <summary>No string or array of a sane file is longer (the limit of ggml's reader).</summary>
    private const ulong MaximumCount = 1UL << 30;

    private readonly byte* _data;
    private readonly long _length;

    public GgufCursor(string path, byte* data, long length)
    {
        Path = path;
        Subject = "header";
        _data = data;
        _length = length;
    }

    public string Path { get; }

    /// <summary>What is being read, for messages.</summary>
    public string Subject { get; set; }

    /// <summary>Offset of the next byte in the file.</summary>
    public long Position { get; private set; }

    public readonly long Remaining => _length - Position;

    public readonly GgufFormatException Error(string found, string expected) => new(Path, Subject, found, expected);

    public T Read<T>()
        where T : unmanaged
    {
        T value = Unsafe.ReadUnaligned<T>(Take(sizeof(T)));
        return value;
    }

    /// <summary>A length-prefixed string, raw.</summary>
    public byte[] ReadString()
    {
        ulong length = Read<ulong>();
        if (length > MaximumCount || length > (ulong)Remaining)
            throw Error($"a string of {length} bytes", $"at most the {Remaining} bytes left in the file");
        return length == 0 ? [] : new ReadOnlySpan<byte>(Take((int)length), (int)length).ToArray();
    }

    /// <summary>A name: a string of 1 to <paramref name="maximum"/> bytes without NUL, decoded leniently.</summary>
    public string ReadName(int minimum, int maximum, string what)
    {
        ulong length = Read<ulong>();
        if (length < (ulong)minimum || length > (ulong)maximum)
            throw Error($"a {what} of {length} bytes", $"{minimum} to {maximum} bytes");
        var bytes = new ReadOnlySpan<byte>(Take((int)length), (int)length);
        if (bytes.Contains((byte)0)) throw Error($"a NUL inside the {what} {GgufFormatException.Quote(Encoding.UTF8.GetString(bytes))}", "none");
        return Encoding.UTF8.GetString(bytes);
    }

    /// <summary>A typed value, arrays included.</summary>
    public GgufValue ReadValue()
    {
        var type = ReadValueType();
        return type switch
        {
            GgufValueType.Array => ReadArray(),
            GgufValueType.String => GgufValue.Scalar(type, ReadString()),
            _ => GgufValue.Scalar(type, ReadScalar(type)),
        };
    }

    private object ReadScalar(GgufValueType type) => type switch
    {
        GgufValueType.UInt8 => Read<byte>(),
        GgufValueType.Int8 => Read<sbyte>(),
        GgufValueType.UInt16 => Read<ushort>(),
        GgufValueType.Int16 => Read<short>(),
        GgufValueType.UInt32 => Read<uint>(),
        GgufValueType.Int32 => Read<int>(),
        GgufValueType.Float32 => Read<float>(),
        GgufValueType.Bool => Read<byte>() != 0,
        GgufValueType.UInt64 => Read<ulong>(),
        GgufValueType.Int64 => Read<long>(),
        _ => Read<double>(),
    };

    private GgufValue ReadArray()
    {
        var type = ReadValueType();
        if (type == GgufValueType.Array) throw Error("an array of arrays", "an array of plain values or strings");
        ulong count = Read<ulong>();

        // A string takes at least the 8 bytes of its length, so this bounds the allocation by the size of the file.
        int size = type == GgufValueType.String ? 8 : type.Size();
        if (count > MaximumCount || count * (ulong)size > (ulong)Remaining)
            throw Error($"an array of {count} {type}", $"at most the {Remaining} bytes left in the file");

        int n = (int)count;
        if (type == GgufValueType.String)
        {
            var strings = new byte[n][];
            for (int i = 0; i < n; i++) strings[i] = ReadString();
            return GgufValue.Array(type, strings);
        }

        return GgufValue.Array(type, type switch
        {
            GgufValueType.UInt8 => ReadArray<byte>(n),
            GgufValueType.Int8 => ReadArray<sbyte>(n),
            GgufValueType.UInt16 => ReadArray<ushort>(n),
            GgufValueType.Int16 => ReadArray<short>(n),
            GgufValueType.UInt32 => ReadArray<uint>(n),
            GgufValueType.Int32 => ReadArray<int>(n),
            GgufValueType.Float32 => ReadArray<float>(n),
            GgufValueType.Bool => Array.ConvertAll(ReadArray<byte>(n), b => b != 0),
            GgufValueType.UInt64 => ReadArray<ulong>(n),
            GgufValueType.Int64 => ReadArray<long>(n),
            _ => ReadArray<double>(n),
        });
    }

    private T[] ReadArray<T>(int count)
        where T : unmanaged
    {
        var values = new T[count];
        int bytes = checked(count * sizeof(T));
        new ReadOnlySpan<byte>(Take(bytes), bytes).CopyTo(System.Runtime.InteropServices.MemoryMarshal.AsBytes(values.AsSpan()));
        return values;
    }

    private GgufValueType ReadValueType()
    {
        uint id = Read<uint>();
        return id <= (uint)GgufValueType.Float64 ? (GgufValueType)id : throw Error($"value type {id}", "0 to 12");
    }

    private byte* Take(int bytes)
    {
        if (bytes > Remaining) throw Error($"the end of the file at byte {_length}", $"{bytes} bytes at {Position}");
        byte* field = _data + Position;
        Position += bytes;
        return field;
    }
}
