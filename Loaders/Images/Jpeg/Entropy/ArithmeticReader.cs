namespace TinyMllm.Loaders.Images.Jpeg.Entropy;

/// <summary>
/// The adaptive binary arithmetic decoder (T.81, D.2). The interval [0, A) is split: the more probable symbol has [0, A − Qe), the less
/// probable one the rest; C's high half is the code's place in it. After a marker zeros are read, which the standard wants; a decoder that
/// goes on reading long after is running on nothing.
/// </summary>
internal ref struct ArithmeticReader
{
    private const int MpsBit = 0x80, StateMask = 0x7F;

    /// <summary>Zero bytes behind the data that a sound stream may use: what the encoder dropped at its end, and the read-ahead.</summary>
    private const int ToleratedPadding = 4096;

    private readonly ReadOnlySpan<byte> _file;
    private uint _code;
    private uint _interval = 0x10000;
    private int _bits;
    private int _padding;

    public ArithmeticReader(ReadOnlySpan<byte> file, int position)
    {
        _file = file;
        Position = position;
        ReadByte();
        _code <<= 8;
        ReadByte();
        _code <<= 8;
        _bits = 0;
    }

    /// <summary>Next byte to read; never beyond the marker that ends the segment.</summary>
    public int Position { get; private set; }

    public readonly bool IsOverrun => _padding > ToleratedPadding;

    /// <summary>Decodes one decision and updates its statistics.</summary>
    /// <param name="bin">Index of the probability state, and the more probable symbol in the top bit.</param>
    public bool Decode(ref byte bin)
    {
        ref readonly ProbabilityState state = ref ProbabilityState.All[bin & StateMask];
        bool more = (bin & MpsBit) != 0;
        _interval -= state.Qe;
        bool upper = _code >> 16 >= _interval;
        if (!upper && _interval >= 0x8000) return more;

        // Conditional exchange (D.2.4, D.2.5): when Qe is the larger part, the symbols have swapped their intervals.
        bool isLess = upper ? _interval >= state.Qe : _interval < state.Qe;
        if (upper)
        {
            _code -= _interval << 16;
            _interval = state.Qe;
        }

        if (isLess) bin = (byte)(state.NextLess | (more ^ state.Switches ? MpsBit : 0));
        else bin = (byte)(state.NextMore | (more ? MpsBit : 0));
        Renormalize();
        return more ^ isLess;
    }

    private void Renormalize()
    {
        do
        {
            if (_bits == 0)
            {
                ReadByte();
                _bits = 8;
            }

            _interval <<= 1;
            _code <<= 1;
            _bits--;
        }
        while (_interval < 0x8000);
    }

    /// <summary>Byte_in (figure D.20): an 0xFF with a stuffed zero is data, any other marks the end.</summary>
    private void ReadByte()
    {
        bool hasByte = Position < _file.Length;
        byte value = hasByte ? _file[Position] : (byte)0;
        if (value == 0xFF)
        {
            hasByte = Position + 1 < _file.Length && _file[Position + 1] == 0;
            if (hasByte) Position++;
        }

        if (hasByte)
        {
            _code += (uint)value << 8;
            Position++;
        }
        else
        {
            _padding++;
        }
    }
}
