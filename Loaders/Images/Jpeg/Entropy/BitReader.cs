using System.Buffers.Binary;
using System.Runtime.CompilerServices;

namespace TinyMllm.Loaders.Images.Jpeg.Entropy;

/// <summary>
/// The bits of an entropy-coded segment, most significant first, without the zero stuffed after each 0xFF (T.81, F.1.2.3). 64 bits are
/// buffered, left-aligned. A marker ends the segment; beyond it zeros are handed out and <see cref="IsOverrun"/> tells that they were used.
/// </summary>
internal ref struct BitReader(ReadOnlySpan<byte> file, int position)
{
    private readonly ReadOnlySpan<byte> _file = file;
    private ulong _bits;
    private int _count;
    private int _padding;

    /// <summary>Next byte to be buffered; never beyond the marker that ends the segment.</summary>
    public int Position { get; private set; } = position;

    /// <summary>Whether bits were consumed that the segment does not have.</summary>
    public readonly bool IsOverrun => _padding > _count;

    /// <summary>Makes sure of 32 bits: enough for a Huffman code (16) and its extra bits (15).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Refill()
    {
        if (_count < 32) FillBuffer();
    }

    /// <summary>The next bits (1 to 32), which must be buffered.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly int Peek(int count) => (int)(_bits >> (64 - count));

    /// <summary>Drops bits that were looked at.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Consume(int count)
    {
        _bits <<= count;
        _count -= count;
    }

    /// <summary>Takes 1 to 15 bits, which must be buffered.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int Take(int count)
    {
        int value = Peek(count);
        Consume(count);
        return value;
    }

    /// <summary>Takes one bit, buffering it if need be.</summary>
    public int TakeBit()
    {
        Refill();
        return Take(1);
    }

    /// <summary>RECEIVE and EXTEND (T.81, F.2.2.1): the value whose size is known; its bits must be buffered.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int TakeValue(int size) => Extend(Take(size), size);

    /// <summary>EXTEND: values with a leading 0 are negative, counted from −(2^size − 1).</summary>
    public static int Extend(int bits, int size) => bits < 1 << (size - 1) ? bits - (1 << size) + 1 : bits;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void FillBuffer()
    {
        if (_file.Length - Position >= 8)
        {
            ulong next = BinaryPrimitives.ReadUInt64BigEndian(_file[Position..]);
            if (!HasFF(next))
            {
                // Bits beyond the whole bytes are also set; the next filling sets the same ones again.
                _bits |= next >> _count;
                int bytes = (64 - _count) >> 3;
                Position += bytes;
                _count += bytes * 8;
                return;
            }
        }

        while (_count <= 56) AppendByte();
    }

    private void AppendByte()
    {
        bool hasByte = Position < _file.Length;
        byte value = hasByte ? _file[Position] : (byte)0;
        if (hasByte && value == 0xFF)
        {
            hasByte = Position + 1 < _file.Length && _file[Position + 1] == 0;
            if (hasByte) Position++;
        }

        if (hasByte)
        {
            _bits |= (ulong)value << (56 - _count);
            Position++;
        }
        else
        {
            _padding += 8;
        }

        _count += 8;
    }

    /// <summary>Whether a byte is 0xFF: the zero-byte test on the complement.</summary>
    private static bool HasFF(ulong bytes) => ((~bytes - 0x0101010101010101) & bytes & 0x8080808080808080) != 0;
}
