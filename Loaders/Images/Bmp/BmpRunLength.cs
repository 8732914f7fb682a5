namespace TinyMllm.Loaders.Images.Bmp;

/// <summary>
/// RLE8 and RLE4: pairs of a count and a colour (or two alternating 4-bit ones); a count of 0 escapes to end of line (0), end of bitmap
/// (1), a jump (2), or that many literal pixels, padded to a 16-bit boundary. Pixels that are jumped over keep colour 0.
/// </summary>
internal static class BmpRunLength
{
    private const byte EndOfLine = 0, EndOfBitmap = 1, Jump = 2;

    /// <summary>Fills <paramref name="rows"/>, first stored row first, until the bitmap ends.</summary>
    public static void Decode(ref ByteReader reader, BmpHeader header, BmpRows rows)
    {
        bool isNibbles = header.Compression == BmpCompression.RunLength4;
        int x = 0, y = 0;
        while (y < header.Height)
        {
            int count = reader.ReadByte(), value = reader.ReadByte();
            if (count > 0)
            {
                for (int i = 0; i < count; i++) rows.Put(x++, y, isNibbles ? Nibble(value, i) : value);
                continue;
            }

            switch (value)
            {
                case EndOfLine:
                    (x, y) = (0, y + 1);
                    break;
                case EndOfBitmap:
                    return;
                case Jump:
                    x += reader.ReadByte();
                    y += reader.ReadByte();
                    break;
                default:
                    int bytes = isNibbles ? (value + 1) / 2 : value;
                    ReadOnlySpan<byte> literal = reader.Take(bytes);
                    for (int i = 0; i < value; i++) rows.Put(x++, y, isNibbles ? Nibble(literal[i / 2], i) : literal[i]);
                    if ((bytes & 1) == 1 && reader.Remaining > 0) reader.Skip(1);
                    break;
            }
        }
    }

    private static int Nibble(int pair, int index) => (index & 1) == 0 ? pair >> 4 : pair & 15;
}
