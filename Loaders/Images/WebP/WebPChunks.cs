using System.Buffers.Binary;

namespace TinyMllm.Loaders.Images.WebP;

/// <summary>
/// The chunks of the (first) picture (WebP container specification): RIFF, a size, "WEBP", then chunks of a name, a size and a body padded
/// to an even length. Simple files have one VP8 or VP8L chunk; extended ones begin with VP8X and may hold ALPH, EXIF and animation frames,
/// ANMF, with chunks of their own.
/// </summary>
internal ref struct WebPChunks
{
    private const int HeaderBytes = 8, RiffBytes = 12, FrameHeaderBytes = 16, CanvasBytes = 10;

    private readonly ReadOnlySpan<byte> _file;

    public WebPChunks(ReadOnlySpan<byte> file)
    {
        _file = file;
        Orientation = ImageOrientation.TopLeft;
        Walk(RiffBytes, file.Length, isFrame: false);
    }

    /// <summary>The VP8 chunk, or empty.</summary>
    public ReadOnlySpan<byte> Lossy { get; private set; }

    /// <summary>The VP8L chunk, or empty.</summary>
    public ReadOnlySpan<byte> Lossless { get; private set; }

    /// <summary>The ALPH chunk, or empty.</summary>
    public ReadOnlySpan<byte> Alpha { get; private set; }

    /// <summary>Canvas of an animation, whose frames may be smaller; else null.</summary>
    public (int Width, int Height)? Canvas { get; private set; }

    /// <summary>Where the first frame lies on the canvas.</summary>
    public (int X, int Y) FrameOffset { get; private set; }

    public ImageOrientation Orientation { get; private set; }

    /// <summary>Whether a chunk that matters is longer than the file.</summary>
    public bool IsTruncated { get; private set; }

    private readonly bool HasPicture => !Lossy.IsEmpty || !Lossless.IsEmpty;

    private void Walk(int position, int end, bool isFrame)
    {
        while (end - position >= HeaderBytes)
        {
            ReadOnlySpan<byte> name = _file.Slice(position, 4);
            uint size = BinaryPrimitives.ReadUInt32LittleEndian(_file[(position + 4)..]);
            int body = position + HeaderBytes, available = (int)Math.Min(size, end - body);
            bool isCut = size > available;
            Take(name, body, available, isCut, isFrame);
            if (isCut) return;
            position = (int)Math.Min((long)body + size + (size & 1), end);
        }
    }

    private void Take(ReadOnlySpan<byte> name, int body, int length, bool isCut, bool isFrame)
    {
        ReadOnlySpan<byte> chunk = _file.Slice(body, length);
        if (name.SequenceEqual("EXIF"u8))
        {
            Orientation = ExifOrientation.Read(chunk.StartsWith("Exif\0\0"u8) ? chunk[6..] : chunk);
        }
        else if (name.SequenceEqual("VP8X"u8) && length >= CanvasBytes)
        {
            bool isAnimation = (chunk[0] & 2) != 0;
            if (isAnimation) Canvas = (ReadUInt24(chunk[4..]) + 1, ReadUInt24(chunk[7..]) + 1);
        }
        else if (HasPicture)
        {
            // Later frames.
        }
        else if (name.SequenceEqual("ANMF"u8) && !isFrame && length >= FrameHeaderBytes)
        {
            FrameOffset = (ReadUInt24(chunk) * 2, ReadUInt24(chunk[3..]) * 2);
            Walk(body + FrameHeaderBytes, body + length, isFrame: true);
        }
        else if (name.SequenceEqual("ALPH"u8))
        {
            Alpha = chunk;
            IsTruncated |= isCut;
        }
        else if (name.SequenceEqual("VP8 "u8))
        {
            Lossy = chunk;
            IsTruncated |= isCut;
        }
        else if (name.SequenceEqual("VP8L"u8))
        {
            Lossless = chunk;
            IsTruncated |= isCut;
        }
    }

    private static int ReadUInt24(ReadOnlySpan<byte> bytes) => bytes[0] | bytes[1] << 8 | bytes[2] << 16;
}
