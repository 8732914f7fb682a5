using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace TinyMllm.Loaders.Images.Png;

/// <summary>
/// Turns an unfiltered row into RGBA: packed samples are unpacked, grey and palette entries looked up, 16-bit samples cut to their high
/// byte, transparency applied (PNG 3rd edition, 13.12; tRNS compares the full 16-bit sample).
/// </summary>
internal sealed class PngRowExpander
{
    /// <summary>Bytes of a pixel that comes out.</summary>
    public const int BytesPerPixel = 4;

    private readonly PngHeader _header;

    /// <summary>RGBA (red in the low byte) of every sample value, for one-channel pictures of up to 8 bits.</summary>
    private readonly uint[] _table = [];

    /// <summary>The samples that mean "transparent", or none.</summary>
    private readonly (int Red, int Green, int Blue)? _key;

    public PngRowExpander(PngChunks chunks)
    {
        _header = chunks.Header;
        ReadOnlySpan<byte> transparency = chunks.Transparency;
        if (_header.ColourType == PngColourType.Indexed)
        {
            if (chunks.Palette.IsEmpty) throw new ImageFormatException("PNG: indexed colour without a PLTE chunk");
            _table = PaletteTable(chunks.Palette, transparency);
            return;
        }

        if (_header.ColourType == PngColourType.Greyscale && transparency.Length >= 2)
        {
            int grey = BinaryPrimitives.ReadUInt16BigEndian(transparency);
            _key = (grey, grey, grey);
        }
        else if (_header.ColourType == PngColourType.Truecolour && transparency.Length >= 6)
        {
            _key = (BinaryPrimitives.ReadUInt16BigEndian(transparency), BinaryPrimitives.ReadUInt16BigEndian(transparency[2..]),
                BinaryPrimitives.ReadUInt16BigEndian(transparency[4..]));
        }

        if (_header.ColourType == PngColourType.Greyscale && _header.BitDepth <= 8) _table = GreyTable(_header.BitDepth, _key?.Red ?? -1);
    }

    /// <summary>Whether unfiltered rows are opaque RGB as they are, so that there is nothing to expand.</summary>
    public bool IsRgb => _header is { ColourType: PngColourType.Truecolour, BitDepth: 8 } && _key is null;

    /// <summary>Expands one row.</summary>
    /// <param name="row">The unfiltered bytes.</param>
    /// <param name="rgba">Receives 4 bytes for each pixel; its length tells how many there are.</param>
    public void Expand(ReadOnlySpan<byte> row, Span<byte> rgba)
    {
        Span<uint> pixels = MemoryMarshal.Cast<byte, uint>(rgba);
        switch (_header.ColourType, _header.BitDepth)
        {
            case (PngColourType.Indexed or PngColourType.Greyscale, <= 8):
                LookUp(row, pixels);
                break;
            case (PngColourType.Greyscale, _):
                for (int x = 0; x < pixels.Length; x++)
                {
                    int grey = BinaryPrimitives.ReadUInt16BigEndian(row[(x * 2)..]);
                    pixels[x] = Pack(row[x * 2], row[x * 2], row[x * 2], grey == _key?.Red ? 0u : 255);
                }

                break;
            case (PngColourType.Truecolour, 8):
                AddAlpha(row, rgba);
                if (_key is { } key8) ClearKey(pixels, Pack((uint)key8.Red & 255, (uint)key8.Green & 255, (uint)key8.Blue & 255, 255));
                break;
            case (PngColourType.Truecolour, _):
                for (int x = 0; x < pixels.Length; x++)
                {
                    ReadOnlySpan<byte> pixel = row.Slice(x * 6, 6);
                    pixels[x] = Pack(pixel[0], pixel[2], pixel[4], IsKey(pixel) ? 0u : 255);
                }

                break;
            case (PngColourType.GreyscaleAlpha, 8):
                for (int x = 0; x < pixels.Length; x++) pixels[x] = Pack(row[x * 2], row[x * 2], row[x * 2], row[x * 2 + 1]);
                break;
            case (PngColourType.GreyscaleAlpha, _):
                for (int x = 0; x < pixels.Length; x++) pixels[x] = Pack(row[x * 4], row[x * 4], row[x * 4], row[x * 4 + 2]);
                break;
            case (PngColourType.TruecolourAlpha, 8):
                row[..rgba.Length].CopyTo(rgba);
                break;
            default:
                for (int i = 0; i < rgba.Length; i++) rgba[i] = row[i * 2];
                break;
        }
    }

    /// <summary>Whether a pixel of three 16-bit samples is the transparent one.</summary>
    private bool IsKey(ReadOnlySpan<byte> pixel) =>
        _key == (BinaryPrimitives.ReadUInt16BigEndian(pixel), BinaryPrimitives.ReadUInt16BigEndian(pixel[2..]),
            BinaryPrimitives.ReadUInt16BigEndian(pixel[4..]));

    private void LookUp(ReadOnlySpan<byte> row, Span<uint> pixels)
    {
        uint[] table = _table;
        int depth = _header.BitDepth;
        if (depth == 8)
        {
            for (int x = 0; x < pixels.Length; x++) pixels[x] = table[row[x]];
            return;
        }

        int mask = (1 << depth) - 1;
        for (int x = 0, bit = 0; x < pixels.Length; x++, bit += depth)
            pixels[x] = table[row[bit >> 3] >> (8 - depth - (bit & 7)) & mask];
    }

    /// <summary>RGB to RGBA; four pixels a step where 16 bytes can be read.</summary>
    private static void AddAlpha(ReadOnlySpan<byte> rgb, Span<byte> rgba)
    {
        int count = rgba.Length / 4, done = 0;
        var spread = Vector128.Create((byte)0, 1, 2, 255, 3, 4, 5, 255, 6, 7, 8, 255, 9, 10, 11, 255);
        var opaque = Vector128.Create(0xFF000000u).AsByte();
        for (; done + 4 <= count && done * 3 + 16 <= rgb.Length; done += 4)
            (Vector128.Shuffle(Vector128.Create(rgb.Slice(done * 3, 16)), spread) | opaque).CopyTo(rgba[(done * 4)..]);
        for (; done < count; done++)
        {
            rgb.Slice(done * 3, 3).CopyTo(rgba[(done * 4)..]);
            rgba[done * 4 + 3] = 255;
        }
    }

    private static void ClearKey(Span<uint> pixels, uint key)
    {
        foreach (ref uint pixel in pixels)
            if (pixel == key) pixel &= 0x00FFFFFF;
    }

    /// <summary>Entries that the palette lacks are opaque black.</summary>
    private static uint[] PaletteTable(ReadOnlySpan<byte> palette, ReadOnlySpan<byte> alpha)
    {
        var table = new uint[256];
        for (int i = 0; i < table.Length; i++)
        {
                table[i] = i * 3 < palette.Length
                    ? Pack(palette[i * 3], palette[i * 3 + 1], palette[i * 3 + 2], i < alpha.Length ? alpha[i] : 255u)
                    : Pack(0, 0, 0, 255);
        }

        return table;
    }

    private static uint[] GreyTable(int bitDepth, int key)
    {
        uint most = (1u << bitDepth) - 1;
        var table = new uint[most + 1];
        for (uint value = 0; value <= most; value++)
        {
            uint grey = value * 255 / most;
            table[value] = Pack(grey, grey, grey, value == (key & most) && key >= 0 ? 0u : 255);
        }

        return table;
    }

    private static uint Pack(uint red, uint green, uint blue, uint alpha) => red | green << 8 | blue << 16 | alpha << 24;
}
