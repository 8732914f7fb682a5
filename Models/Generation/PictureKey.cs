using System.Runtime.InteropServices;
using TinyMllm.Loaders.Images;

namespace TinyMllm.Generation;

/// <summary>Names a picture by its content: equal pixels and size give the same key, wherever they came from. Keys of one process mean nothing to another.</summary>
/// <remarks>
/// Σ wᵢ·kⁿ⁻ⁱ mod 2⁶¹ − 1 over the picture's 32-bit words (Carter and Wegman 1979) at two points k that the process keeps to itself: two pictures of n words, whoever made them,
/// share both sums with a probability of (n / 2⁶⁰)², 2⁻⁷⁶ for four megapixels. The hash functions of .NET are those of the system's OpenSSL, which some containers lack.
/// </remarks>
/// <param name="High">The sum at the first point.</param>
/// <param name="Low">The sum at the second point.</param>
internal readonly record struct PictureKey(ulong High, ulong Low)
{
    private const ulong Prime = (1UL << 61) - 1;
    private static readonly ulong FirstPoint = SecretPoint(), SecondPoint = SecretPoint();

    public static PictureKey Of(RgbImage image)
    {
        ReadOnlySpan<byte> pixels = image.Pixels.Span;
        ReadOnlySpan<uint> words = MemoryMarshal.Cast<byte, uint>(pixels);
        Span<byte> rest = stackalloc byte[sizeof(uint)];
        pixels[(words.Length * sizeof(uint))..].CopyTo(rest);

        PictureKey key = new PictureKey(0, 0).And((uint)image.Width).And((uint)image.Height);
        foreach (uint word in words) key = key.And(word);
        return key.And(MemoryMarshal.Read<uint>(rest));
    }

    private PictureKey And(uint word) => new(Step(High, FirstPoint, word), Step(Low, SecondPoint, word));

    /// <summary>sum · point + word mod 2⁶¹ − 1, where 2⁶¹ is 1.</summary>
    private static ulong Step(ulong sum, ulong point, uint word)
    {
        ulong high = Math.BigMul(sum, point, out ulong low);
        ulong next = (low & Prime) + ((high << 3) | (low >> 61)) + word;
        next = (next & Prime) + (next >> 61);
        return next >= Prime ? next - Prime : next;
    }

    /// <summary>60 bits of the system's secure random numbers, which a Guid is made of; sampling shows its users seeds from <see cref="Random.Shared"/>.</summary>
    private static ulong SecretPoint() => MemoryMarshal.Read<ulong>(Guid.NewGuid().ToByteArray()) % Prime;
}
