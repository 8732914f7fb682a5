namespace TinyMllm.Loaders.Images.Gif;

/// <summary>
/// GIF's variant of LZW (GIF89a, appendix F): codes of 3 to 12 bits, low bits first. The table maps a code to its last index and the code
/// of what comes before; strings are written back to front. A full table stays as it is until a clear code.
/// </summary>
internal ref struct LzwDecoder
{
    private const int MostBits = 12, TableSize = 1 << MostBits;

    private readonly ReadOnlySpan<byte> _data;
    private readonly int _rootBits;
    private readonly ushort[] _prefix = new ushort[TableSize];
    private readonly byte[] _suffix = new byte[TableSize];
    private readonly byte[] _first = new byte[TableSize];
    private readonly ushort[] _length = new ushort[TableSize];

    /// <summary>The last string, of which the first <see cref="_taken"/> indices were handed out.</summary>
    private readonly byte[] _string = new byte[TableSize];

    private int _stringLength, _taken;
    private int _bits, _next, _previous = -1;
    private int _buffer, _buffered, _position;
    private bool _isAtEnd;

    /// <param name="data">The sub-blocks' bytes, joined.</param>
    /// <param name="rootBits">The image's minimum code size, 1 to 8.</param>
    public LzwDecoder(ReadOnlySpan<byte> data, int rootBits)
    {
        _data = data;
        _rootBits = rootBits;
        for (int code = 0; code < Clear; code++) (_suffix[code], _first[code], _length[code]) = ((byte)code, (byte)code, 1);
        Reset();
    }

    private readonly int Clear => 1 << _rootBits;

    private readonly int End => Clear + 1;

    /// <summary>Decodes the next indices.</summary>
    /// <param name="indices">Receives palette indices.</param>
    /// <returns>How many there were: fewer than asked for where the data ends.</returns>
    /// <exception cref="ImageFormatException">A code has no meaning.</exception>
    public int Read(Span<byte> indices)
    {
        int written = 0;
        while (written < indices.Length)
        {
            if (_taken == _stringLength && !ReadString()) break;
            int count = Math.Min(_stringLength - _taken, indices.Length - written);
            _string.AsSpan(_taken, count).CopyTo(indices[written..]);
            written += count;
            _taken += count;
        }

        return written;
    }

    private void Reset() => (_bits, _next, _previous) = (_rootBits + 1, End + 1, -1);

    private bool ReadString()
    {
        while (!_isAtEnd && TakeCode(out int code))
        {
            if (code == Clear)
            {
                Reset();
                continue;
            }

            if (code == End) break;
            if (code > _next || (code == _next && _previous < 0) || (code >= Clear && _previous < 0))
                throw new ImageFormatException($"GIF: LZW code {code} where {_next} are defined");

            if (_previous >= 0 && _next < TableSize) Define(code);
            Expand(code);
            _previous = code;
            return true;
        }

        _isAtEnd = true;
        return false;
    }

    private bool TakeCode(out int code)
    {
        while (_buffered < _bits && _position < _data.Length)
        {
            _buffer |= _data[_position++] << _buffered;
            _buffered += 8;
        }

        code = _buffer & ((1 << _bits) - 1);
        if (_buffered < _bits) return false;
        _buffer >>= _bits;
        _buffered -= _bits;
        return true;
    }

    /// <summary>A new string: the previous one and the first index of this one, which may be the new string itself.</summary>
    private void Define(int code)
    {
        byte last = code == _next ? _first[_previous] : _first[code];
        (_prefix[_next], _suffix[_next]) = ((ushort)_previous, last);
        (_first[_next], _length[_next]) = (_first[_previous], (ushort)(_length[_previous] + 1));
        _next++;
        if (_next == 1 << _bits && _bits < MostBits) _bits++;
    }

    private void Expand(int code)
    {
        (_stringLength, _taken) = (_length[code], 0);
        for (int i = _stringLength - 1; i >= 0; i--)
        {
            _string[i] = _suffix[code];
            code = _prefix[code];
        }
    }
}
