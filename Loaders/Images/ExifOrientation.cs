using System.Buffers.Binary;

namespace TinyMllm.Loaders.Images;

/// <summary>
/// Finds tag 0x0112 (Orientation) in the TIFF structure that EXIF is: byte order, 42, offset of the first directory, its 12-byte entries
/// (TIFF 6.0, section 2). Damaged EXIF is common and says nothing about the pixels, so anything odd simply means "upright".
/// </summary>
internal static class ExifOrientation
{
    private const int OrientationTag = 0x0112, ShortType = 3, EntryBytes = 12;

    public static ImageOrientation Read(ReadOnlySpan<byte> tiff)
    {
        if (tiff.Length < 8) return ImageOrientation.TopLeft;
        bool bigEndian = tiff[..4].SequenceEqual("MM\0*"u8);
        if (!bigEndian && !tiff[..4].SequenceEqual("II*\0"u8)) return ImageOrientation.TopLeft;

        uint directory = bigEndian ? BinaryPrimitives.ReadUInt32BigEndian(tiff[4..]) : BinaryPrimitives.ReadUInt32LittleEndian(tiff[4..]);
        if (directory > tiff.Length - 2) return ImageOrientation.TopLeft;

        ReadOnlySpan<byte> entries = tiff[((int)directory + 2)..];
        int count = ReadUInt16(tiff[(int)directory..], bigEndian);
        for (int i = 0; i < count && entries.Length >= EntryBytes; i++, entries = entries[EntryBytes..])
        {
            if (ReadUInt16(entries, bigEndian) != OrientationTag || ReadUInt16(entries[2..], bigEndian) != ShortType) continue;
            int value = ReadUInt16(entries[8..], bigEndian);
            return value is >= 1 and <= 8 ? (ImageOrientation)value : ImageOrientation.TopLeft;
        }

        return ImageOrientation.TopLeft;
    }

    private static int ReadUInt16(ReadOnlySpan<byte> bytes, bool bigEndian) =>
        bigEndian ? BinaryPrimitives.ReadUInt16BigEndian(bytes) : BinaryPrimitives.ReadUInt16LittleEndian(bytes);
}
