namespace TinyMllm.Loaders.Images.WebP.Lossless;

/// <summary>
/// Entropy-coded pixels (WebP lossless specification, 5 and 6): literals, back references and cache entries. A pixel is ARGB, alpha in the
/// top byte. Transforms and meta prefix codes are such images too, of one group of codes.
/// </summary>
internal static class LosslessImageReader
{
    private const int LengthCodes = PrefixCodeReader.Literals + PrefixCodeReader.Lengths, MostCacheBits = 11;

    /// <summary>Reads a sub-resolution image: no meta prefix codes.</summary>
    public static uint[] ReadPlain(ref LosslessBits bits, int width, int height)
    {
        int cacheBits = ReadCacheBits(ref bits);
        PrefixCodeGroup[] groups = [PrefixCodeReader.ReadGroup(ref bits, CacheSize(cacheBits))];
        var pixels = new uint[checked(width * height)];
        var window = new PixelWindow(width, height, (y, row) => row.CopyTo(pixels.AsSpan(y * width)));
        if (!ReadPixels(ref bits, window, cacheBits, Grouping.None, groups))
            throw new ImageFormatException("WebP: the lossless data ends within a transform");
        return pixels;
    }

    /// <summary>Reads the main image.</summary>
    /// <param name="bits">The data.</param>
    /// <param name="window">Receives the pixels.</param>
    /// <returns>False if the data ended early.</returns>
    public static bool ReadMain(ref LosslessBits bits, PixelWindow window)
    {
        int cacheBits = ReadCacheBits(ref bits);
        Grouping grouping = Grouping.None;
        if (bits.ReadFlag())
        {
            int blockBits = bits.Read(3) + 2;
            int across = Blocks(window.Width, blockBits);
            uint[] entropy = ReadPlain(ref bits, across, Blocks(window.Height, blockBits));
            grouping = new Grouping(Array.ConvertAll(entropy, pixel => (ushort)(pixel >> 8)), blockBits, across);
        }

        var groups = new PrefixCodeGroup[grouping.Groups.Max() + 1];
        for (int i = 0; i < groups.Length; i++) groups[i] = PrefixCodeReader.ReadGroup(ref bits, CacheSize(cacheBits));
        return ReadPixels(ref bits, window, cacheBits, grouping, groups);
    }

    /// <summary>Blocks of 2^<paramref name="bits"/> pixels that cover <paramref name="size"/> pixels.</summary>
    public static int Blocks(int size, int bits) => (size + (1 << bits) - 1) >> bits;

    private static int ReadCacheBits(ref LosslessBits bits)
    {
        if (!bits.ReadFlag()) return 0;
        int cacheBits = bits.Read(4);
        return cacheBits is >= 1 and <= MostCacheBits
            ? cacheBits
            : throw new ImageFormatException($"WebP: a colour cache of {cacheBits} bits, expected 1 to {MostCacheBits}");
    }

    private static int CacheSize(int cacheBits) => cacheBits == 0 ? 0 : 1 << cacheBits;

    private static bool ReadPixels(
        ref LosslessBits bits, PixelWindow window, int cacheBits, Grouping grouping, PrefixCodeGroup[] groups)
    {
        var cache = new ColourCache(cacheBits);
        int x = 0, y = 0;
        while (!window.IsFull)
        {
            PrefixCodeGroup group = groups[grouping.At(x, y)];
            bits.Refill();
            int symbol = group.Green.Decode(ref bits), count = 1;
            if (symbol < PrefixCodeReader.Literals)
            {
                int red = group.Red.Decode(ref bits);
                bits.Refill();
                int blue = group.Blue.Decode(ref bits), alpha = group.Alpha.Decode(ref bits);
                if (bits.IsOverrun) return false;
                window.Add((uint)alpha << 24 | (uint)red << 16 | (uint)symbol << 8 | (uint)blue);
            }
            else if (symbol < LengthCodes)
            {
                count = ReadValue(ref bits, symbol - PrefixCodeReader.Literals);
                bits.Refill();
                int distance = NearDistance.ToPixels(ReadValue(ref bits, group.Distance.Decode(ref bits)), window.Width);
                if (bits.IsOverrun) return false;
                count = window.Repeat(distance, count);
            }
            else
            {
                // Colours enter the cache only when one is asked for.
                window.AddTo(cache);
                if (bits.IsOverrun) return false;
                window.Add(cache[symbol - LengthCodes]);
            }

            if (cacheBits > 0 && window.IsCacheFarBehind) window.AddTo(cache);
            x += count;
            if (x >= window.Width) (x, y) = (x % window.Width, y + x / window.Width);
        }

        return true;
    }

    /// <summary>Lengths and distances: a prefix and extra bits (5.2.2).</summary>
    private static int ReadValue(ref LosslessBits bits, int prefix)
    {
        if (prefix < 4) return prefix + 1;
        int extra = (prefix - 2) >> 1;
        return ((2 + (prefix & 1)) << extra) + bits.Read(extra) + 1;
    }

    /// <summary>Which group of codes a block of 2^bits × 2^bits pixels uses (6.2.2).</summary>
    private readonly record struct Grouping(ushort[] Groups, int BlockBits, int Across)
    {
        /// <summary>One group for all.</summary>
        public static Grouping None => new([0], 31, 1);

        public int At(int x, int y) => Groups[(y >> BlockBits) * Across + (x >> BlockBits)];
    }
}
