#:property PublishAot=false
#:property ManagePackageVersionsCentrally=false
// Draws packaging/icon.png, the icon of the packages: an eye whose iris is a block of quantised weights.
// Run from the repository's root: dotnet run tools/icon/draw.cs
using System.Buffers.Binary;
using System.IO.Compression;

const int Size = 128, Samples = 4;
byte[] pixels = new byte[Size * Size * 4];
for (int y = 0; y < Size; y++)
{
    for (int x = 0; x < Size; x++)
    {
        double r = 0, g = 0, b = 0, a = 0;
        for (int s = 0; s < Samples * Samples; s++)
        {
            var c = Colour(x + (s % Samples + 0.5) / Samples, y + (s / Samples + 0.5) / Samples);
            (r, g, b, a) = (r + c.R * c.A, g + c.G * c.A, b + c.B * c.A, a + c.A);
        }

        int at = 4 * (y * Size + x);
        if (a > 0) (pixels[at], pixels[at + 1], pixels[at + 2]) = ((byte)(r / a), (byte)(g / a), (byte)(b / a));
        pixels[at + 3] = (byte)(255 * a / (Samples * Samples));
    }
}

File.WriteAllBytes(Path.Combine("packaging", "icon.png"), Png(pixels));

static (double R, double G, double B, double A) Colour(double x, double y)
{
    // A rounded dark square, an almond of two circles, an iris of 4 × 4 cells in greens of different strength.
    double qx = Math.Max(Math.Abs(x - 64) - 38, 0), qy = Math.Max(Math.Abs(y - 64) - 38, 0);
    if (Math.Sqrt(qx * qx + qy * qy) > 24) return default;
    bool almond = Distance(x, y, 64, 100) < 62 && Distance(x, y, 64, 28) < 62;
    if (!almond) return (28, 34, 52, 1);
    if (Distance(x, y, 64, 64) > 24) return (240, 244, 250, 1);
    int column = (int)Math.Floor((x - 40) / 12), row = (int)Math.Floor((y - 40) / 12);
    if ((x - 40) % 12 < 1 || (y - 40) % 12 < 1) return (28, 34, 52, 1);
    double level = ((column * 7 + row * 5 + column * row * 3) % 8 + 4) / 12.0;
    return (20 + 40 * level, 90 + 130 * level, 110 + 60 * level, 1);
}

static double Distance(double x, double y, double cx, double cy) => Math.Sqrt((x - cx) * (x - cx) + (y - cy) * (y - cy));

static byte[] Png(byte[] rgba)
{
    using var raw = new MemoryStream();
    using (var zlib = new ZLibStream(raw, CompressionLevel.SmallestSize, leaveOpen: true))
    {
        for (int y = 0; y < Size; y++)
        {
            zlib.WriteByte(0);
            zlib.Write(rgba, y * Size * 4, Size * 4);
        }
    }

    byte[] header = new byte[13];
    BinaryPrimitives.WriteInt32BigEndian(header, Size);
    BinaryPrimitives.WriteInt32BigEndian(header.AsSpan(4), Size);
    (header[8], header[9]) = (8, 6);
    using var png = new MemoryStream();
    png.Write([0x89, (byte)'P', (byte)'N', (byte)'G', 13, 10, 26, 10]);
    Chunk(png, "IHDR"u8, header);
    Chunk(png, "IDAT"u8, raw.ToArray());
    Chunk(png, "IEND"u8, []);
    return png.ToArray();
}

static void Chunk(Stream png, ReadOnlySpan<byte> type, byte[] data)
{
    byte[] body = [.. type, .. data];
    Span<byte> number = stackalloc byte[4];
    BinaryPrimitives.WriteInt32BigEndian(number, data.Length);
    png.Write(number);
    png.Write(body);
    BinaryPrimitives.WriteUInt32BigEndian(number, Crc(body));
    png.Write(number);
}

static uint Crc(byte[] data)
{
    uint crc = 0xFFFFFFFF;
    foreach (byte value in data)
    {
        crc ^= value;
        for (int bit = 0; bit < 8; bit++) crc = (crc >> 1) ^ (0xEDB88320 & (0u - (crc & 1)));
    }

    return ~crc;
}
