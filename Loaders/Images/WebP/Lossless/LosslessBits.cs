using System.Buffers.Binary;
using System.Runtime.CompilerServices;

namespace TinyMllm.Loaders.Images.WebP.Lossless;

/// <summary>
/// Bits of a lossless stream, least significant first. Behind the end come zeros, and <see cref="IsOverrun"/> tells that they were used.
/// </summary>
internal ref struct LosslessBits(ReadOnlySpan<byte> data)
{
    private readonly ReadOnlySpan<byte> _data = data;
    private int _position;
    private ulong _bits;
    private int _count;
    private int _padding;

    public readonly bool IsOverrun => _padding > _count;

    /// <summary>Makes sure of 32 bits.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Refill()
    {
        if (_count < 32) Fill();
    }

    /// <summary>The next bits, up to 31, which must be there.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly int Peek(int count) => (int)(_bits & ((1u << count) - 1));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Consume(int count)
    {
        _bits >>= count;
        _count -= count;
    }

    /// <summary>Takes up to 31 bits as a number.</summary>
    public int Read(int count)
    {
        Refill();
        int value = Peek(count);
        Consume(count);
        return value;
    }

    public bool ReadFlag() => Read(1) == 1;

    private void Fill()
    {
        if (_data.Length - _position >= 4)
        {
            _bits |= (ulong)BinaryPrimitives.ReadUInt32LittleEndian(_data[_position..]) << _count;
            _position += 4;
            _count += 32;
            return;
        }

        for (; _count <= 56; _count += 8)
        {
            if (_position < _data.Length) _bits |= (ulong)_data[_position++] << _count;
            else _padding += 8;
        }
    }
}
