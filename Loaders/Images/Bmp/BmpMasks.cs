using System.Numerics;

namespace TinyMllm.Loaders.Images.Bmp;

/// <summary>The bits of a pixel that hold one sample; 0: the sample is not there.</summary>
internal readonly record struct BmpMask(uint Bits)
{
    /// <summary>The sample of <paramref name="pixel"/>, scaled to 0 … 255 and rounded.</summary>
    public byte Extract(uint pixel)
    {
        ulong most = Bits >> BitOperations.TrailingZeroCount(Bits), value = (pixel & Bits) >> BitOperations.TrailingZeroCount(Bits);
        return (byte)((value * 255 + most / 2) / most);
    }
}

/// <summary>Where red, green, blue and alpha are in pixels of 16 or 32 bits.</summary>
internal readonly record struct BmpMasks(BmpMask Red, BmpMask Green, BmpMask Blue, BmpMask Alpha)
{
    /// <summary>Without masks: 5 bits each, or 8 bits each. The spare bits are not alpha.</summary>
    public static BmpMasks Default(int bitsPerPixel) => bitsPerPixel == 16
        ? new BmpMasks(new BmpMask(0x7C00), new BmpMask(0x03E0), new BmpMask(0x001F), default)
        : new BmpMasks(new BmpMask(0xFF0000), new BmpMask(0x00FF00), new BmpMask(0x0000FF), default);

    public static BmpMasks Read(ref ByteReader reader, bool hasAlpha)
    {
        uint red = reader.ReadUInt32LittleEndian(), green = reader.ReadUInt32LittleEndian(), blue = reader.ReadUInt32LittleEndian();
        uint alpha = hasAlpha ? reader.ReadUInt32LittleEndian() : 0;
        return new BmpMasks(Check(red), Check(green), Check(blue), Check(alpha));
    }

    /// <summary>RGBA, red in the low byte.</summary>
    public uint Convert(uint pixel) =>
        Sample(Red, pixel, 0) | Sample(Green, pixel, 0) << 8 | Sample(Blue, pixel, 0) << 16 | Sample(Alpha, pixel, 255) << 24;

    private static uint Sample(BmpMask mask, uint pixel, uint absent) => mask.Bits == 0 ? absent : mask.Extract(pixel);

    private static BmpMask Check(uint bits)
    {
        if (bits != 0 && !BitOperations.IsPow2((ulong)(bits >> BitOperations.TrailingZeroCount(bits)) + 1))
            throw new ImageFormatException($"BMP: colour mask 0x{bits:X8} has gaps");
        return new BmpMask(bits);
    }
}
