using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace TinyMllm.Loaders.Images;

/// <summary>Ways from RGBA to RGB.</summary>
internal static class Alpha
{
    /// <summary>Four pixels are one vector: 16 bytes in, 12 of the 16 written ones count.</summary>
    private const int VectorBytes = 16, PixelsPerVector = 4;

    private static Vector128<byte> Packed => Vector128.Create((byte)0, 1, 2, 4, 5, 6, 8, 9, 10, 12, 13, 14, 3, 7, 11, 15);

    /// <summary>Over <paramref name="background"/>, or without alpha where that is null.</summary>
    public static void Resolve(ReadOnlySpan<byte> rgba, Span<byte> rgb, RgbColor? background)
    {
        if (background is { } colour) Composite(rgba, rgb, colour);
        else Drop(rgba, rgb);
    }

    /// <summary>Keeps the colour and forgets alpha.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Drop(ReadOnlySpan<byte> rgba, Span<byte> rgb)
    {
        int count = rgba.Length / 4, done = 0;
        if (Vector128.IsHardwareAccelerated)
        {
            for (; done + PixelsPerVector <= count && done * 3 + VectorBytes <= rgb.Length; done += PixelsPerVector)
                Vector128.Shuffle(Vector128.Create(rgba.Slice(done * 4, VectorBytes)), Packed).CopyTo(rgb[(done * 3)..]);
        }

        for (; done < count; done++) rgba.Slice(done * 4, 3).CopyTo(rgb[(done * 3)..]);
    }

    /// <summary>c' = (c·a + b·(255 − a)) / 255, rounded. Most pictures are opaque nearly everywhere: there it is as fast as dropping.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Composite(ReadOnlySpan<byte> rgba, Span<byte> rgb, RgbColor background)
    {
        int count = rgba.Length / 4, done = 0;
        while (done < count)
        {
            int group = Math.Min(PixelsPerVector, count - done);
            if (group == PixelsPerVector && Vector128.IsHardwareAccelerated && done * 3 + VectorBytes <= rgb.Length)
            {
                var pixels = Vector128.Create(rgba.Slice(done * 4, VectorBytes));
                if ((pixels | Vector128.Create(0x00FFFFFFu).AsByte()) == Vector128<byte>.AllBitsSet)
                {
                    Vector128.Shuffle(pixels, Packed).CopyTo(rgb[(done * 3)..]);
                    done += PixelsPerVector;
                    continue;
                }
            }

            for (int end = done + group; done < end; done++)
            {
                Span<byte> target = rgb.Slice(done * 3, 3);
                rgba.Slice(done * 4, 3).CopyTo(target);
                Composite(target, rgba[done * 4 + 3], background);
            }
        }
    }

    /// <summary>One pixel in place.</summary>
    public static void Composite(Span<byte> rgb, int alpha, RgbColor background)
    {
        rgb[0] = Mix(rgb[0], background.Red, alpha);
        rgb[1] = Mix(rgb[1], background.Green, alpha);
        rgb[2] = Mix(rgb[2], background.Blue, alpha);
    }

    private static byte Mix(int over, int under, int alpha) => (byte)((over * alpha + under * (255 - alpha) + 127) / 255);
}
