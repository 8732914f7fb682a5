using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.CompilerServices;

namespace TinyMllm.Loaders.Images.WebP.Lossy;

/// <summary>
/// The boolean entropy decoder (RFC 6386, 7). The value's top 8 bits stand at bit <c>_spare</c>; what is below has been read ahead.
/// Behind the end come zeros.
/// </summary>
internal sealed class BoolDecoder(ReadOnlyMemory<byte> data)
{
    /// <summary>The encoder may drop zeros at the end, and the decoder starts two bytes ahead; more missing bits mean a cut file.</summary>
    private const int ToleratedBits = 32;

    private int _position;
    private ulong _value;
    private int _spare = -8;
    private uint _range = 255;
    private int _padding;

    public bool IsOverrun => _padding - Math.Max(_spare, 0) > ToleratedBits;

    /// <summary>Reads a flag that is false with a probability of <paramref name="probability"/> / 256.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool Read(int probability)
    {
        if (_spare < 0) Fill();
        uint split = 1 + ((_range - 1) * (uint)probability >> 8);
        ulong bound = (ulong)split << _spare;
        bool bit = _value >= bound;
        if (bit)
        {
            _value -= bound;
            _range -= split;
        }
        else
        {
            _range = split;
        }

        int shift = BitOperations.LeadingZeroCount(_range) - 24;
        _range <<= shift;
        _spare -= shift;
        return bit;
    }

    /// <summary>A flag of even odds.</summary>
    public bool ReadFlag() => Read(128);

    /// <summary>An unsigned number, most significant bit first.</summary>
    public int ReadNumber(int bits)
    {
        int value = 0;
        for (int i = 0; i < bits; i++) value = value << 1 | (ReadFlag() ? 1 : 0);
        return value;
    }

    /// <summary>A magnitude and then a sign.</summary>
    public int ReadSigned(int bits)
    {
        int value = ReadNumber(bits);
        return ReadFlag() ? -value : value;
    }

    /// <summary>A flag, and if it is set a signed number; else 0.</summary>
    public int ReadOptionalSigned(int bits) => ReadFlag() ? ReadSigned(bits) : 0;

    private void Fill()
    {
        ReadOnlySpan<byte> rest = data.Span[_position..];
        if (rest.Length >= 8)
        {
            _value = _value << 48 | BinaryPrimitives.ReadUInt64BigEndian(rest) >> 16;
            _position += 6;
            _spare += 48;
            return;
        }

        byte next = 0;
        if (rest.Length > 0)
        {
            next = rest[0];
            _position++;
        }
        else
        {
            _padding += 8;
        }

        _value = _value << 8 | next;
        _spare += 8;
    }
}
