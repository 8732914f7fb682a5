namespace TinyMllm.Loaders.Images.Netpbm;

/// <summary>Decimal numbers between white space and comments.</summary>
internal static class NetpbmText
{
    /// <summary>Reads one number and the single white-space character after it.</summary>
    public static int ReadNumber(ref ByteReader reader, string what)
    {
        byte digit = FirstOfToken(ref reader);
        long value = 0;
        while (true)
        {
            if (digit is < (byte)'0' or > (byte)'9')
                throw new ImageFormatException($"PNM: byte 0x{digit:X2} at {reader.Position - 1} in the {what}, expected a digit");
            value = value * 10 + (digit - '0');
            if (value > int.MaxValue) throw new ImageFormatException($"PNM: the {what} is too large");
            if (reader.Remaining == 0) return (int)value;
            digit = reader.ReadByte();
            if (IsSpace(digit)) return (int)value;
            if (digit == '#')
            {
                SkipComment(ref reader);
                return (int)value;
            }
        }
    }

    /// <summary>Reads one digit of a text bitmap, where white space between digits is optional.</summary>
    public static int ReadBit(ref ByteReader reader)
    {
        byte digit = FirstOfToken(ref reader);
        return digit is (byte)'0' or (byte)'1'
            ? digit - '0'
            : throw new ImageFormatException($"PNM: byte 0x{digit:X2} at {reader.Position - 1}, expected 0 or 1");
    }

    private static byte FirstOfToken(ref ByteReader reader)
    {
        while (true)
        {
            byte character = reader.ReadByte();
            if (character == '#') SkipComment(ref reader);
            else if (!IsSpace(character)) return character;
        }
    }

    private static void SkipComment(ref ByteReader reader)
    {
        int end = reader.Rest.IndexOfAny((byte)'\n', (byte)'\r');
        reader.Skip(end < 0 ? reader.Remaining : end + 1);
    }

    private static bool IsSpace(byte character) => character is (byte)' ' or (>= 9 and <= 13);
}
