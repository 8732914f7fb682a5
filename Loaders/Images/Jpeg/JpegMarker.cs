namespace TinyMllm.Loaders.Images.Jpeg;

/// <summary>Second byte of a marker, after 0xFF (T.81, table B.1).</summary>
internal static class JpegMarker
{
    public const byte Sof0 = 0xC0, Sof1 = 0xC1, Sof2 = 0xC2, Sof9 = 0xC9, Sof10 = 0xCA, Sof15 = 0xCF;
    public const byte DefineHuffman = 0xC4, JpegExtension = 0xC8, DefineArithmetic = 0xCC;
    public const byte Restart0 = 0xD0, Restart7 = 0xD7, StartOfImage = 0xD8, EndOfImage = 0xD9, StartOfScan = 0xDA;
    public const byte DefineQuantization = 0xDB, DefineRestart = 0xDD;
    public const byte App0 = 0xE0, App1 = 0xE1, App14 = 0xEE;
    public const byte Temporary = 0x01;

    public static bool IsRestart(byte marker) => marker is >= Restart0 and <= Restart7;

    /// <summary>Markers that stand alone, without a length and a body.</summary>
    public static bool StandsAlone(byte marker) => marker == Temporary || IsRestart(marker);

    /// <summary>Start of a frame of any kind.</summary>
    public static bool IsFrame(byte marker) =>
        marker is >= Sof0 and <= Sof15 and not (DefineHuffman or JpegExtension or DefineArithmetic);

    /// <summary>
    /// Offset of the next marker's 0xFF at or after <paramref name="position"/>, or -1. Stuffed zeros, fill bytes and whatever else stands
    /// before it are passed over (T.81, B.1.1.2).
    /// </summary>
    public static int Find(ReadOnlySpan<byte> file, int position)
    {
        while (position < file.Length - 1)
        {
            int skip = file[position..].IndexOf((byte)0xFF);
            if (skip < 0) return -1;
            position += skip;
            if (position + 1 < file.Length && file[position + 1] is not (0 or 0xFF)) return position;
            position++;
        }

        return -1;
    }
}
