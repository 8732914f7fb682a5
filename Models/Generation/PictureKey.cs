using System.IO.Hashing;
using System.Runtime.InteropServices;
using TinyMllm.Loaders.Images;

namespace TinyMllm.Generation;

/// <summary>Names a picture by its content: equal pixels and size give equal keys, wherever they came from. Keys of one process mean nothing to another.</summary>
/// <remarks>
/// XxHash128 with a seed that the process keeps to itself finds the candidates, and the pixels themselves decide, so that nobody can pass one picture off as another.
/// Only where one of the two pictures is gone by then does the hash decide alone: large pictures of requests give their memory back with the request.
/// </remarks>
internal sealed class PictureKey : IEquatable<PictureKey>
{
    /// <summary>Secure random numbers of the system, which a Guid is made of; users see those of <see cref="Random.Shared"/> as seeds of sampling.</summary>
    private static readonly long Seed = MemoryMarshal.Read<long>(Guid.NewGuid().ToByteArray());

    private readonly UInt128 _hash;
    private readonly int _width, _height;
    private WeakReference<RgbImage>? _picture;

    /// <summary>A key that only its hash tells from others.</summary>
    internal PictureKey(UInt128 hash) => _hash = hash;

    private PictureKey(RgbImage image)
    {
        (_width, _height) = (image.Width, image.Height);
        _hash = XxHash128.HashToUInt128(image.Pixels.Span, Seed);

        // The memory of a request's large pictures may be given back at any time; only what lies in the heap can be compared later.
        if (MemoryMarshal.TryGetArray(image.Pixels, out _)) _picture = new WeakReference<RgbImage>(image);
    }

    /// <summary>The picture, while it lives and its pixels can be compared; else null.</summary>
    public RgbImage? Picture => _picture is { } reference && reference.TryGetTarget(out RgbImage? image) ? image : null;

    /// <summary>The key of a picture.</summary>
    public static PictureKey Of(RgbImage image) => new(image);

    /// <inheritdoc/>
    public bool Equals(PictureKey? other)
    {
        if (ReferenceEquals(this, other)) return true;
        if (other is null || _hash != other._hash || _width != other._width || _height != other._height) return false;
        if (Picture is not { } mine || other.Picture is not { } theirs || ReferenceEquals(mine, theirs)) return true;
        if (!mine.Pixels.Span.SequenceEqual(theirs.Pixels.Span)) return false;

        // Compared once: both keys mean the same object from now on.
        _picture = other._picture;
        return true;
    }

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as PictureKey);

    /// <inheritdoc/>
    public override int GetHashCode() => _hash.GetHashCode();
}
