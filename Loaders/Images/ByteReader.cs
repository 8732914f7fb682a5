using System.Buffers.Binary;

namespace TinyMllm.Loaders.Images;

/// <summary>Walks through a file's bytes; reading beyond the end is an <see cref="ImageFormatException"/>.</summary>
internal ref struct ByteReader(ReadOnlySpan<byte> bytes, string format)
{
    private readonly ReadOnlySpan<byte> _bytes = bytes;

    /// <summary>Offset of the next byte.</summary>
    public int Position { get; set; }

    /// <summary>Bytes that are left.</summary>
    public readonly int Remaining => _bytes.Length - Position;

    /// <summary>Everything from here to the end.</summary>
    public readonly ReadOnlySpan<byte> Rest => _bytes[Position..];

    public byte ReadByte() => Take(1)[0];

    public ushort ReadUInt16BigEndian() => BinaryPrimitives.ReadUInt16BigEndian(Take(2));

    public uint ReadUInt32BigEndian() => BinaryPrimitives.ReadUInt32BigEndian(Take(4));

    public ushort ReadUInt16LittleEndian() => BinaryPrimitives.ReadUInt16LittleEndian(Take(2));

    public uint ReadUInt32LittleEndian() => BinaryPrimitives.ReadUInt32LittleEndian(Take(4));

    public int ReadInt32LittleEndian() => BinaryPrimitives.ReadInt32LittleEndian(Take(4));

    public void Skip(int count) => Take(count);

    /// <summary>The next <paramref name="count"/> bytes.</summary>
    public ReadOnlySpan<byte> Take(int count)
    {
        if ((uint)count > (uint)Remaining)
            throw new ImageFormatException($"{format}: the file ends at byte {_bytes.Length}; {count} more expected at {Position}");
        ReadOnlySpan<byte> taken = _bytes.Slice(Position, count);
        Position += count;
        return taken;
    }
}
