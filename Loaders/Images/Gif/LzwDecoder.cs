namespace TinyMllm.Loaders.Images.Gif;

/// <summary>
/// GIF's variant of LZW (GIF89a, appendix F): codes of 3 to 12 bits, low bits first. The table maps a code to its last index and the code
/// of what comes before; strings are written back to front. A full table stays as it is until a clear code.
/// </summary>
internal sealed class LzwDecoder
{
    private const int MostBits = 12, TableSize = 1 << MostBits;

    private readonly ushort[] _prefix = new ushort[TableSize];
    private readonly byte[] _suffix = new byte[TableSize];
    private readonly byte[] _first = new byte[TableSize];
    private readonly ushort[] _length = new ushort[TableSize];

    /// <summary>Decodes until the pixels are full or the data ends.</summary>
    /// <param name="data">The sub-blocks' bytes, joined.</param>
    /// <param name="rootBits">The image's minimum code size, 1 to 8.</param>
    /// <param name="indices">Receives the palette indices.</param>
    /// <returns>How many indices were decoded.</returns>
    public int Decode(ReadOnlySpan<byte> data, int rootBits, Span<byte> indices)
    {
        int clear = 1 << rootBits, end = clear + 1;
        for (int code = 0; code < clear; code++) (_suffix[code], _first[code], _length[code]) = ((byte)code, (byte)code, 1);

        int bits = rootBits + 1, next = end + 1, previous = -1;
        int buffer = 0, buffered = 0, at = 0, written = 0;
        while (written < indices.Length)
        {
            while (buffered < bits && at < data.Length)
            {
                buffer |= data[at++] << buffered;
                buffered += 8;
            }

            if (buffered < bits) break;
            int code = buffer & ((1 << bits) - 1);
            buffer >>= bits;
            buffered -= bits;

            if (code == clear)
            {
                (bits, next, previous) = (rootBits + 1, end + 1, -1);
                continue;
            }

            if (code == end) break;
            if (code > next || (code == next && previous < 0) || (code >= clear && previous < 0))
                throw new ImageFormatException($"GIF: LZW code {code} where {next} are defined");

            if (previous >= 0 && next < TableSize)
            {
                // A code that is not defined yet can only be the previous string and its own first index again.
                byte last = code == next ? _first[previous] : _first[code];
                (_prefix[next], _suffix[next]) = ((ushort)previous, last);
                (_first[next], _length[next]) = (_first[previous], (ushort)(_length[previous] + 1));
                next++;
                if (next == 1 << bits && bits < MostBits) bits++;
            }

            written += Write(code, indices[written..]);
            previous = code;
        }

        return written;
    }

    private int Write(int code, Span<byte> target)
    {
        int length = _length[code];
        for (int i = length - 1; i >= 0; i--)
        {
            if (i < target.Length) target[i] = _suffix[code];
            code = _prefix[code];
        }

        return Math.Min(length, target.Length);
    }
}
