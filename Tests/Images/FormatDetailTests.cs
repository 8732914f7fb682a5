using System.Buffers.Binary;
using TinyMllm.Loaders.Images;
using TinyMllm.Loaders.Images.Jpeg;
using TinyMllm.Loaders.Images.Jpeg.Samples;
using TinyMllm.Loaders.Images.Png;

namespace TinyMllm.Tests.Images;

/// <summary>Corners of the formats that no golden picture reaches, on pictures small enough to be written down.</summary>
public class FormatDetailTests
{
    private static readonly byte[] s_black = [0, 0, 0], s_red = [255, 0, 0], s_green = [0, 255, 0], s_blue = [0, 0, 255], s_white = [255, 255, 255];

    [TestCase("P1\n# bits\n3 1\n1 0 1", "000000 FFFFFF 000000")]
    [TestCase("P1 3 1 101", "000000 FFFFFF 000000")]
    [TestCase("P2 3 1 15 0 15 #half\n 8", "000000 FFFFFF 888888")]
    [TestCase("P3 1 2 255\n1 2 3\n250 251 252\n", "010203 FAFBFC")]
    [TestCase("P2 1 1 65535 65535", "FFFFFF")]
    public void NetpbmText(string file, string pixels) => AssertPixels(System.Text.Encoding.ASCII.GetBytes(file), pixels);

    [Test]
    public void NetpbmBinary()
    {
        AssertPixels([.. "P4 3 2\n"u8, 0b1010_0000, 0b0100_0000], "000000 FFFFFF 000000 FFFFFF 000000 FFFFFF");
        AssertPixels([.. "P5 2 1 3\n"u8, 1, 3], "555555 FFFFFF");
        AssertPixels([.. "P6 1 1 1000\n"u8, 3, 232, 0, 0, 1, 244], "FF0080");
    }

    [Test]
    public void BmpRows()
    {
        AssertPixels(Bmp(2, 2, 24, 0, [], [255, 0, 0, 0, 255, 0, 0, 0, 0, 0, 255, 0, 0, 0, 0, 0]), s_red, s_black, s_blue, s_green);
        AssertPixels(Bmp(2, -2, 24, 0, [], [255, 0, 0, 0, 255, 0, 0, 0, 0, 0, 255, 0, 0, 0, 0, 0]), s_blue, s_green, s_red, s_black);
        AssertPixels(Bmp(2, 1, 16, 0, [], [0x00, 0x7C, 0xE0, 0x03]), s_red, s_green);
        AssertPixels(Bmp(2, 1, 16, 3, [0x00, 0xF8, 0, 0, 0xE0, 0x07, 0, 0, 0x1F, 0, 0, 0], [0x00, 0xF8, 0x1F, 0x00]), s_red, s_blue);
        AssertPixels(Bmp(3, 1, 4, 0, Palette, [0x12, 0x30, 0, 0]), s_red, s_green, s_blue);
    }

    [Test]
    public void BmpAlphaCountsOnlyIfItIsUsed()
    {
        byte[] masks = [0, 0, 0xFF, 0, 0, 0xFF, 0, 0, 0xFF, 0, 0, 0, 0, 0, 0, 0xFF];
        AssertPixels(Bmp(2, 1, 32, 6, masks, [0, 0, 255, 255, 0, 0, 255, 0]), s_red, s_white);
        AssertPixels(Bmp(2, 1, 32, 6, masks, [0, 0, 255, 0, 255, 0, 0, 0]), s_red, s_blue);
    }

    [Test]
    public void BmpRuns()
    {
        // Red red, then green and blue as literals; a new line; a jump over one; blue; the end.
        byte[] runs8 = [2, 1, 0, 3, 2, 3, 0, 0, 0, 0, 0, 2, 1, 0, 1, 3, 0, 1];
        AssertPixels(Bmp(5, 2, 8, 1, Palette, runs8), s_black, s_blue, s_black, s_black, s_black, s_red, s_red, s_green, s_blue, s_black);
        AssertPixels(Bmp(4, 1, 4, 2, Palette, [3, 0x12, 1, 0x30, 0, 1]), s_red, s_green, s_red, s_blue);
    }

    [Test]
    public void GifIsTransparentWhereTheFrameDoesNotReach()
    {
        // Screen 2×1, two colours (red, green), background 1; a frame of one pixel of colour 0 at (0, 0).
        byte[] gif =
            [.. "GIF89a"u8, 2, 0, 1, 0, 0x80, 1, 0, 255, 0, 0, 0, 255, 0, 0x2C, 0, 0, 0, 0, 1, 0, 1, 0, 0, 2, 2, 0x44, 0x01, 0, 0x3B];
        AssertPixels(gif, s_red, s_white);
        Assert.That(RgbImage.Decode(gif, ImageOptions.AsStored).Pixels.ToArray(), Is.EqualTo((byte[])[.. s_red, .. s_green]));
        var overBlue = RgbImage.Decode(gif, new ImageOptions { Background = new RgbColor(0, 0, 255) });
        Assert.That(overBlue.Pixels.ToArray(), Is.EqualTo((byte[])[.. s_red, .. s_blue]));
    }

    [Test]
    public void PngFiltersEqualTheScalarFormulas([Range(0, 4)] int type, [Values(1, 2, 3, 4, 6, 8)] int unit)
    {
        var random = new Random(type * 10 + unit);
        int count = unit * 37;
        var filtered = new byte[count + PngFilter.Padding];
        var (prior, row) = (new byte[filtered.Length], new byte[filtered.Length]);
        random.NextBytes(filtered);
        random.NextBytes(prior);

        PngFilter.Undo((byte)type, filtered, prior, row, count, unit);

        for (int i = 0; i < count; i++)
        {
            int a = i >= unit ? row[i - unit] : 0, b = prior[i], c = i >= unit ? prior[i - unit] : 0, p = a + b - c;
            (int fromA, int fromB, int fromC) = (Math.Abs(p - a), Math.Abs(p - b), Math.Abs(p - c));
            int paeth = fromA <= fromB && fromA <= fromC ? a : fromB <= fromC ? b : c;
            int predicted = type switch { 0 => 0, 1 => a, 2 => b, 3 => (a + b) / 2, _ => paeth };
            Assert.That(row[i], Is.EqualTo((byte)(filtered[i] + predicted)), $"byte {i}");
        }
    }

    [Test]
    public void InverseDctIsTheCosineSum([Range(1, 20)] int seed)
    {
        var random = new Random(seed);
        var (block, steps, samples) = (new short[64], new int[64], new byte[64]);
        for (int i = 0; i < 64; i++) (block[i], steps[i]) = ((short)(random.Next(-200, 200) / (1 + i)), random.Next(1, 8));

        InverseDct.Transform(block, steps, 63, samples, 8);

        for (int y = 0; y < 8; y++)
        {
                for (int x = 0; x < 8; x++)
                {
                    double sum = 0;
                    for (int v = 0; v < 8; v++)
                {
                            for (int u = 0; u < 8; u++)
                    {
                                    sum += (u == 0 ? Math.Sqrt(0.5) : 1) * (v == 0 ? Math.Sqrt(0.5) : 1) * block[v * 8 + u] * steps[v * 8 + u]
                                        * Math.Cos((2 * x + 1) * u * Math.PI / 16) * Math.Cos((2 * y + 1) * v * Math.PI / 16);
                    }
                }

                    Assert.That((int)samples[y * 8 + x], Is.EqualTo(Math.Clamp(sum / 4 + 128, 0, 255)).Within(0.6), $"({x}, {y})");
                }
        }
    }

    [Test]
    public void TransposeSwapsRowsAndColumns()
    {
        Rows16 rows = default;
        for (int y = 0; y < 8; y++) rows[y] = System.Runtime.Intrinsics.Vector128.CreateSequence((short)(y * 8), (short)1);
        Transpose8x8.Run(ref rows);
        for (int y = 0; y < 8; y++)
            for (int x = 0; x < 8; x++) Assert.That(rows[y][x], Is.EqualTo(x * 8 + y));
    }

    [Test]
    public void ZigZagVisitsEveryCoefficientOnce() =>
        Assert.That(ZigZag.NaturalOrder[..64].ToArray().Order(), Is.EqualTo(Enumerable.Range(0, 64)));

    /// <summary>Black, red, green, blue.</summary>
    private static byte[] Palette => [0, 0, 0, 0, 0, 0, 255, 0, 0, 255, 0, 0, 255, 0, 0, 0];

    private static byte[] Bmp(int width, int height, ushort bits, int compression, byte[] tables, byte[] data)
    {
        var header = new byte[54];
        "BM"u8.CopyTo(header);
        BinaryPrimitives.WriteInt32LittleEndian(header.AsSpan(10), header.Length + tables.Length);
        BinaryPrimitives.WriteInt32LittleEndian(header.AsSpan(14), 40);
        BinaryPrimitives.WriteInt32LittleEndian(header.AsSpan(18), width);
        BinaryPrimitives.WriteInt32LittleEndian(header.AsSpan(22), height);
        BinaryPrimitives.WriteUInt16LittleEndian(header.AsSpan(28), bits);
        BinaryPrimitives.WriteInt32LittleEndian(header.AsSpan(30), compression);
        return [.. header, .. tables, .. data];
    }

    private static void AssertPixels(byte[] file, string expected) =>
        Assert.That(Decode(file), Is.EqualTo(Convert.FromHexString(expected.Replace(" ", ""))));

    private static void AssertPixels(byte[] file, params byte[][] expected) =>
        Assert.That(Decode(file), Is.EqualTo(expected.SelectMany(pixel => pixel).ToArray()));

    private static byte[] Decode(byte[] file) =>
        RgbImage.Decode(file, new ImageOptions { Decoder = ImageDecoders.Managed }).Pixels.ToArray();
}
