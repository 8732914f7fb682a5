using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace TinyMllm.Kernels.Resampling;

/// <summary>
/// Resizes 8-bit RGB pictures with Pillow's antialiased bicubic filter in fixed point: horizontal pass to bytes, then vertical pass;
/// a pass whose size does not change is left out. <c>u8 = clamp((2²¹ + Σ p·w) ≫ 22)</c>.
/// </summary>
/// <remarks>
/// Horizontally one pixel is one 128-bit vector of int32, one tap per step; vertically eight bytes of a row are widened to 256 bits and
/// every tap is a multiply-add down the column. Only the rows that the next target row reads are kept between the passes, in a ring, so
/// that a photograph needs a few hundred kilobytes and they stay in the cache. Both passes are exact integers: the scalar oracle gives the
/// same bytes.
/// </remarks>
public static class PillowResampling
{
    /// <summary>Bytes of scratch for the rows between the passes: width of the target, height of the whole that it is a part of.</summary>
    public static int ScratchBytes(PixelView source, int targetWidth, int targetHeight) =>
        checked(RingRows(source.Height, targetHeight) * targetWidth * PixelView.Channels);

    /// <summary>Integers of scratch for the taps of both axes and the ring: sizes of the whole.</summary>
    public static int ScratchTaps(PixelView source, int targetWidth, int targetHeight) => checked(
        AntialiasedCubic.BufferLength(source.Width, targetWidth) + AntialiasedCubic.BufferLength(source.Height, targetHeight)
        + RingRows(source.Height, targetHeight));

    /// <summary>Resamples <paramref name="source"/> to the size of <paramref name="target"/>.</summary>
    /// <param name="source">The picture.</param>
    /// <param name="target">Receives the resized picture.</param>
    /// <param name="between">At least <see cref="ScratchBytes"/> bytes.</param>
    /// <param name="taps">At least <see cref="ScratchTaps"/> integers.</param>
    public static void Resample(PixelView source, PixelTarget target, Span<byte> between, Span<int> taps) =>
        Resample(source, new ResizedPart(target.Width, target.Height), target, between, taps);

    /// <summary>Computes a part of <paramref name="source"/> resampled to the size that <paramref name="part"/> names: the same bytes as cut from the whole.</summary>
    /// <param name="source">The picture.</param>
    /// <param name="part">The whole, and where in it the target lies.</param>
    /// <param name="target">Receives the part.</param>
    /// <param name="between">At least <see cref="ScratchBytes"/> bytes.</param>
    /// <param name="taps">At least <see cref="ScratchTaps"/> integers.</param>
    public static void Resample(PixelView source, ResizedPart part, PixelTarget target, Span<byte> between, Span<int> taps)
    {
        var columns = AntialiasedCubic.Create(source.Width, part.Width, taps);
        taps = taps[AntialiasedCubic.BufferLength(source.Width, part.Width)..];
        if (source.Height == part.Height)
        {
            for (int y = 0; y < target.Height; y++) NarrowRow(source.Row(part.Top + y), columns, part, target.Row(y));
            return;
        }

        var lines = AntialiasedCubic.Create(source.Height, part.Height, taps);
        Span<int> held = taps.Slice(AntialiasedCubic.BufferLength(source.Height, part.Height), RingRows(source.Height, part.Height));
        held.Fill(-1);
        int rowBytes = target.Width * PixelView.Channels;
        for (int y = 0; y < target.Height; y++)
        {
            int first = lines.First(part.Top + y);
            ReadOnlySpan<int> weights = lines.Weights(part.Top + y);
            for (int line = first; line < first + weights.Length; line++)
            {
                int slot = line % held.Length;
                if (held[slot] == line) continue;
                NarrowRow(source.Row(line), columns, part, between.Slice(slot * rowBytes, rowBytes));
                held[slot] = line;
            }

            Vertical(between, held.Length, first, weights, target.Row(y));
        }
    }

    private static int RingRows(int sourceHeight, int targetHeight) => AntialiasedCubic.MaxTaps(sourceHeight, targetHeight);

    private static void NarrowRow(ReadOnlySpan<byte> row, AntialiasedCubic axis, ResizedPart part, Span<byte> target)
    {
        if (row.Length == part.Width * PixelView.Channels) row.Slice(part.Left * PixelView.Channels, target.Length).CopyTo(target);
        else Horizontal(row, axis, part.Left, target);
    }

    private static void Horizontal(ReadOnlySpan<byte> row, AntialiasedCubic axis, int left, Span<byte> target)
    {
        for (int x = 0; x < target.Length / PixelView.Channels; x++)
        {
            ReadOnlySpan<byte> pixels = row[(axis.First(left + x) * PixelView.Channels)..];
            var sum = Vector128.Create(1 << (AntialiasedCubic.FractionBits - 1));
            foreach (int weight in axis.Weights(left + x))
            {
                sum += weight * Vector128.Create(pixels[0], pixels[1], pixels[2], 0);
                pixels = pixels[PixelView.Channels..];
            }

            Vector128<int> levels = Clamp(sum >> AntialiasedCubic.FractionBits);
            for (int channel = 0; channel < PixelView.Channels; channel++) target[x * PixelView.Channels + channel] = (byte)levels[channel];
        }
    }

    /// <summary>
    /// Mixes the ring's rows <paramref name="first"/>, first + 1, …; row y lies at place y modulo <paramref name="ring"/>.
    /// </summary>
    private static void Vertical(ReadOnlySpan<byte> rows, int ring, int first, ReadOnlySpan<int> weights, Span<byte> target)
    {
        int i = 0;
        for (; i <= target.Length - Vector256<int>.Count; i += Vector256<int>.Count)
        {
            var sum = Vector256.Create(1 << (AntialiasedCubic.FractionBits - 1));
            for (int tap = 0, slot = first % ring; tap < weights.Length; tap++, slot = slot + 1 == ring ? 0 : slot + 1)
                sum += weights[tap] * Eight(rows, slot * target.Length + i);
            var levels = Vector256.Clamp(sum >> AntialiasedCubic.FractionBits, Vector256<int>.Zero, Vector256.Create(255));
            var words = Vector128.Narrow(levels.GetLower().AsUInt32(), levels.GetUpper().AsUInt32());
            Unsafe.WriteUnaligned(ref target[i], Vector64.Narrow(words.GetLower(), words.GetUpper()).AsUInt64().ToScalar());
        }

        for (; i < target.Length; i++)
        {
            int sum = 1 << (AntialiasedCubic.FractionBits - 1);
            for (int tap = 0; tap < weights.Length; tap++) sum += weights[tap] * rows[(first + tap) % ring * target.Length + i];
            target[i] = (byte)Math.Clamp(sum >> AntialiasedCubic.FractionBits, 0, 255);
        }
    }

    private static Vector256<int> Eight(ReadOnlySpan<byte> row, int i)
    {
        ulong bytes = Unsafe.ReadUnaligned<ulong>(ref Unsafe.Add(ref MemoryMarshal.GetReference(row), i));
        var words = Vector128.WidenLower(Vector128.CreateScalar(bytes).AsByte());
        return Vector256.Create(Vector128.WidenLower(words), Vector128.WidenUpper(words)).AsInt32();
    }

    private static Vector128<int> Clamp(Vector128<int> levels) => Vector128.Clamp(levels, Vector128<int>.Zero, Vector128.Create(255));
}
