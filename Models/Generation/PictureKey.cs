using System.Buffers.Binary;
using System.Security.Cryptography;
using TinyMllm.Loaders.Images;

namespace TinyMllm.Generation;

/// <summary>Names a picture by its content: equal pixels and size give the same key, wherever they came from.</summary>
/// <param name="High">First half of the SHA-256.</param>
/// <param name="Low">Second half.</param>
internal readonly record struct PictureKey(UInt128 High, UInt128 Low)
{
    public static PictureKey Of(RgbImage image)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Span<byte> size = stackalloc byte[8];
        BinaryPrimitives.WriteInt32LittleEndian(size, image.Width);
        BinaryPrimitives.WriteInt32LittleEndian(size[4..], image.Height);
        hash.AppendData(size);
        hash.AppendData(image.Pixels.Span);
        Span<byte> digest = stackalloc byte[SHA256.HashSizeInBytes];
        hash.GetHashAndReset(digest);
        return new PictureKey(BinaryPrimitives.ReadUInt128BigEndian(digest), BinaryPrimitives.ReadUInt128BigEndian(digest[16..]));
    }
}
