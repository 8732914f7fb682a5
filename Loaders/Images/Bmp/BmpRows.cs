using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace TinyMllm.Loaders.Images.Bmp;

/// <summary>Turns stored rows of a bitmap, or palette indices that runs bring, into pixels of a canvas.</summary>
/// <param name="header">How pixels are stored.</param>
/// <param name="palette">256 entries of RGBA, red in the low byte.</param>
/// <param name="canvas">Where they go.</param>
internal sealed class BmpRows(BmpHeader header, uint[] palette, ImageCanvas canvas)
{
    private readonly uint[] _pixels = new uint[header.Width];

    /// <summary>Indices of the row that runs are filling.</summary>
    private readonly byte[] _indices = header.BitsPerPixel <= 8 ? new byte[header.Width] : [];

    private int _row;

    /// <summary>Writes stored row <paramref name="y"/>.</summary>
    public void Write(int y, ReadOnlySpan<byte> row)
    {
        BmpMasks masks = header.Masks;
        Span<uint> pixels = _pixels;
        switch (header.BitsPerPixel)
        {
            case 24:
                for (int x = 0; x < pixels.Length; x++)
                    pixels[x] = row[x * 3 + 2] | (uint)row[x * 3 + 1] << 8 | (uint)row[x * 3] << 16 | 0xFF000000;
                break;
            case 32:
                for (int x = 0; x < pixels.Length; x++) pixels[x] = masks.Convert(BinaryPrimitives.ReadUInt32LittleEndian(row[(x * 4)..]));
                break;
            case 16:
                for (int x = 0; x < pixels.Length; x++) pixels[x] = masks.Convert(BinaryPrimitives.ReadUInt16LittleEndian(row[(x * 2)..]));
                break;
            default:
                int depth = header.BitsPerPixel, mask = (1 << depth) - 1;
                for (int x = 0, bit = 0; x < pixels.Length; x++, bit += depth)
                    pixels[x] = palette[row[bit >> 3] >> (8 - depth - (bit & 7)) & mask];
                break;
        }

        Emit(y);
    }

    /// <summary>Sets an index of row <paramref name="y"/>, which is not above the last one; what sticks out of the picture is cut.</summary>
    public void Put(int x, int y, int index)
    {
        Advance(y);
        if ((uint)x < (uint)header.Width && y < header.Height) _indices[x] = (byte)index;
    }

    /// <summary>Writes what is left, in the first colour.</summary>
    public void Finish() => Advance(header.Height);

    private void Advance(int y)
    {
        for (; _row < Math.Min(y, header.Height); _row++)
        {
            for (int x = 0; x < _pixels.Length; x++) _pixels[x] = palette[_indices[x]];
            Emit(_row);
            Array.Clear(_indices);
        }
    }

    private void Emit(int y) => canvas.WriteRgba(header.IsTopDown ? y : header.Height - 1 - y, MemoryMarshal.AsBytes(_pixels.AsSpan()));
}
