using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace TinyMllm.Loaders.Images.Jpeg.Samples;

/// <summary>What the components mean.</summary>
internal enum JpegColourSpace
{
    Grey,
    YCbCr,
    Rgb,
    Cmyk,
    Ycck,
}

/// <summary>
/// From components to opaque RGBA. YCbCr as in JFIF 1.02 (ITU-R BT.601, full range) in integers with 16 fractional bits. Four components are taken
/// to be inverted, as Adobe's programs write them and everybody reads them: colour · black / 255.
/// </summary>
internal static class JpegColour
{
    /// <summary>Bytes of a pixel that comes out.</summary>
    public const int BytesPerPixel = 4;

    private const int FractionBits = 16, Half = 1 << (FractionBits - 1);

    // 1.402, 0.714136, 0.344136 and 1.772, times 2^16.
    private const int RedFromCr = 91881, GreenFromCr = 46802, GreenFromCb = 22554, BlueFromCb = 116130;

    /// <summary>Which colour space the file means (the Adobe technical note 5116, and convention where nothing is said).</summary>
    /// <param name="frame">The frame.</param>
    /// <param name="isJfif">Whether there is a JFIF segment.</param>
    /// <param name="adobeTransform">Transform of the Adobe segment, or null.</param>
    public static JpegColourSpace Detect(JpegFrame frame, bool isJfif, int? adobeTransform)
    {
        JpegComponent[] components = frame.Components;
        switch (components.Length)
        {
            case 1:
                return JpegColourSpace.Grey;
            case 4:
                return adobeTransform is null or 0 ? JpegColourSpace.Cmyk : JpegColourSpace.Ycck;
            default:
                bool isRgb = !isJfif && (adobeTransform is { } transform
                    ? transform == 0
                    : components[0].Id == 'R' && components[1].Id == 'G' && components[2].Id == 'B');
                return isRgb ? JpegColourSpace.Rgb : JpegColourSpace.YCbCr;
        }
    }

    /// <summary>Converts one row; all rows hold at least as many samples as <paramref name="rgba"/> has pixels.</summary>
    public static void Convert(
        JpegColourSpace space, ReadOnlySpan<byte> first, ReadOnlySpan<byte> second, ReadOnlySpan<byte> third, ReadOnlySpan<byte> fourth,
        Span<byte> rgba)
    {
        Span<uint> pixels = MemoryMarshal.Cast<byte, uint>(rgba);
        switch (space)
        {
            case JpegColourSpace.Grey:
                for (int x = 0; x < pixels.Length; x++) pixels[x] = first[x] * 0x010101u | 0xFF000000;
                break;
            case JpegColourSpace.Rgb:
                for (int x = 0; x < pixels.Length; x++) pixels[x] = Pack(first[x], second[x], third[x]);
                break;
            case JpegColourSpace.YCbCr:
                YCbCr(first, second, third, pixels);
                break;
            case JpegColourSpace.Cmyk:
                for (int x = 0; x < pixels.Length; x++) pixels[x] = Pack(first[x], second[x], third[x]);
                Multiply(rgba, fourth);
                break;
            default:
                YCbCr(first, second, third, pixels);
                foreach (ref uint pixel in pixels) pixel ^= 0x00FFFFFF;
                Multiply(rgba, fourth);
                break;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void YCbCr(ReadOnlySpan<byte> luma, ReadOnlySpan<byte> blue, ReadOnlySpan<byte> red, Span<uint> pixels)
    {
        int x = 0;
        for (; x + 8 <= pixels.Length; x += 8)
            YCbCr(Load(luma, x), Load(blue, x), Load(red, x)).CopyTo(pixels[x..]);
        for (; x < pixels.Length; x++)
            pixels[x] = YCbCr(Vector256.Create<int>(luma[x]), Vector256.Create<int>(blue[x]), Vector256.Create<int>(red[x])).ToScalar();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<uint> YCbCr(Vector256<int> y, Vector256<int> cb, Vector256<int> cr)
    {
        Vector256<int> centre = Vector256.Create(128), half = Vector256.Create(Half);
        cb -= centre;
        cr -= centre;
        Vector256<int> red = y + ((cr * RedFromCr + half) >> FractionBits);
        Vector256<int> green = y + ((half - cb * GreenFromCb - cr * GreenFromCr) >> FractionBits);
        Vector256<int> blue = y + ((cb * BlueFromCb + half) >> FractionBits);
        return (ToByte(red) | ToByte(green) << 8 | ToByte(blue) << 16).AsUInt32() | Vector256.Create(0xFF000000);
    }

    private static Vector256<int> Load(ReadOnlySpan<byte> samples, int at)
    {
        Vector128<byte> eight = Vector128.CreateScalarUnsafe(MemoryMarshal.Read<ulong>(samples.Slice(at, 8))).AsByte();
        return Vector256.WidenLower(Vector128.WidenLower(eight).ToVector256Unsafe()).AsInt32();
    }

    private static Vector256<int> ToByte(Vector256<int> value) =>
        Vector256.Min(Vector256.Max(value, Vector256<int>.Zero), Vector256.Create(255));

    private static void Multiply(Span<byte> rgba, ReadOnlySpan<byte> black)
    {
        for (int x = 0, at = 0; at < rgba.Length; x++, at += 4)
            for (int channel = at; channel < at + 3; channel++) rgba[channel] = (byte)((rgba[channel] * black[x] + 127) / 255);
    }

    private static uint Pack(byte red, byte green, byte blue) => red | (uint)green << 8 | (uint)blue << 16 | 0xFF000000;
}
