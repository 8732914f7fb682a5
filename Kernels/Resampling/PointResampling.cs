using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace TinyMllm.Kernels.Resampling;

/// <summary>
/// Resizes 8-bit RGB pictures by point sampling with a linear or cubic filter (<see cref="IPointFilter"/>), as the vision models of the
/// GGUF world are fed: no antialiasing, float32 arithmetic, horizontal before vertical.
/// </summary>
/// <remarks>
/// Layout. Every source row that a target row needs is first resampled horizontally to floats and kept in a ring of <see cref="RingRows"/>
/// rows, because the next target row mostly needs the same ones; the vertical step is then one pass over contiguous floats. Registers.
/// Horizontal: one pixel per 128-bit vector (r g b and one lane that the next pixel overwrites). Vertical: four row vectors of 128 bits,
/// which the cubic widens to doubles two by two. Eight pixels per vector horizontally were not tried: the taps of neighbouring pixels are a
/// gather.
/// </remarks>
public static class PointResampling
{
    /// <summary>Rows kept: the taps −1…+2 of a cubic.</summary>
    public const int RingRows = 4;

    /// <summary>Floats of scratch that resampling needs: the ring, each row with room for one more lane.</summary>
    public static int ScratchLength(int targetWidth) => RingRows * RowFloats(targetWidth);

    /// <summary>Resamples <paramref name="source"/> to the size of <paramref name="target"/>.</summary>
    /// <param name="source">The picture.</param>
    /// <param name="target">Receives the resized picture.</param>
    /// <param name="scratch">At least <see cref="ScratchLength"/> floats; contents are overwritten.</param>
    public static void Resample<TFilter>(PixelView source, PixelTarget target, Span<float> scratch) where TFilter : struct, IPointFilter =>
        Resample<TFilter>(source, new ResizedPart(target.Width, target.Height), target, scratch);

    /// <summary>Computes a part of <paramref name="source"/> resampled to the size that <paramref name="part"/> names: the same bytes as cut from the whole.</summary>
    /// <param name="source">The picture.</param>
    /// <param name="part">The whole, and where in it the target lies.</param>
    /// <param name="target">Receives the part.</param>
    /// <param name="scratch">At least <see cref="ScratchLength"/> floats; contents are overwritten.</param>
    public static void Resample<TFilter>(PixelView source, ResizedPart part, PixelTarget target, Span<float> scratch) where TFilter : struct, IPointFilter
    {
        float step = TFilter.Step(source.Height, part.Height);
        HorizontalAxis axis = new(TFilter.Step(source.Width, part.Width), part.Left, target.Width);
        Span<int> held = stackalloc int[RingRows];
        held.Fill(-1);
        for (int row = 0; row < target.Height; row++)
        {
            float position = (part.Top + row) * step;
            int y = Math.Min((int)position, source.Height - 1);
            float t = position - y;
            Span<float> here = Fetch<TFilter>(source, y, axis, scratch, held);
            Span<float> after = Fetch<TFilter>(source, y + 1, axis, scratch, held);
            Span<float> before = TFilter.IsCubic ? Fetch<TFilter>(source, y - 1, axis, scratch, held) : here;
            Span<float> afterNext = TFilter.IsCubic ? Fetch<TFilter>(source, y + 2, axis, scratch, held) : here;
            Blend<TFilter>(before, here, after, afterNext, t, target.Row(row));
        }
    }

    private static int RowFloats(int targetWidth) => targetWidth * PixelView.Channels + 1;

    /// <summary>
    /// The horizontally resampled source row nearest to <paramref name="y"/>; rows y−1…y+2 fall into different places of the ring.
    /// </summary>
    private static Span<float> Fetch<TFilter>(PixelView source, int y, HorizontalAxis axis, Span<float> scratch, Span<int> held)
        where TFilter : struct, IPointFilter
    {
        y = Math.Clamp(y, 0, source.Height - 1);
        int slot = y % RingRows;
        Span<float> row = scratch.Slice(slot * RowFloats(axis.Columns), RowFloats(axis.Columns));
        if (held[slot] != y)
        {
            ResampleRow<TFilter>(source.Row(y), source.Width, axis, row);
            held[slot] = y;
        }

        return row;
    }

    private static void ResampleRow<TFilter>(ReadOnlySpan<byte> source, int sourceWidth, HorizontalAxis axis, Span<float> row) where TFilter : struct, IPointFilter
    {
        int last = sourceWidth - 1;
        for (int column = 0; column < axis.Columns; column++)
        {
            float position = (axis.First + column) * axis.Step;
            int x = Math.Min((int)position, last);
            Vector128<float> here = Pixel(source, x), after = Pixel(source, Math.Min(x + 1, last));
            Vector128<float> before = TFilter.IsCubic ? Pixel(source, Math.Max(x - 1, 0)) : here;
            Vector128<float> afterNext = TFilter.IsCubic ? Pixel(source, Math.Min(x + 2, last)) : here;
            Vector128<float> value = TFilter.Mix(before, here, after, afterNext, position - x);
            value.CopyTo(row[(column * PixelView.Channels)..]);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<float> Pixel(ReadOnlySpan<byte> row, int x)
    {
        ReadOnlySpan<byte> pixel = row.Slice(x * PixelView.Channels, PixelView.Channels);
        return Vector128.ConvertToSingle(Vector128.Create(pixel[0], pixel[1], pixel[2], 0));
    }

    private static void Blend<TFilter>(ReadOnlySpan<float> before, ReadOnlySpan<float> here, ReadOnlySpan<float> after, ReadOnlySpan<float> afterNext,
        float t, Span<byte> target) where TFilter : struct, IPointFilter
    {
        int lanes = Vector128<float>.Count, i = 0;
        for (; i <= target.Length - Vector128<byte>.Count; i += Vector128<byte>.Count)
        {
            Vector128<ushort> low = Vector128.Narrow(
                Levels<TFilter>(before, here, after, afterNext, t, i), Levels<TFilter>(before, here, after, afterNext, t, i + lanes)).AsUInt16();
            Vector128<ushort> high = Vector128.Narrow(
                Levels<TFilter>(before, here, after, afterNext, t, i + 2 * lanes), Levels<TFilter>(before, here, after, afterNext, t, i + 3 * lanes)).AsUInt16();
            Vector128.Narrow(low, high).CopyTo(target[i..]);
        }

        for (; i < target.Length; i++)
        {
            Vector128<float> value = TFilter.Mix(
                Vector128.CreateScalar(before[i]), Vector128.CreateScalar(here[i]), Vector128.CreateScalar(after[i]), Vector128.CreateScalar(afterNext[i]), t);
            target[i] = (byte)TFilter.Levels(value).ToScalar();
        }
    }

    /// <summary>Four grey levels 0…255 from index <paramref name="i"/> on.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<int> Levels<TFilter>(ReadOnlySpan<float> before, ReadOnlySpan<float> here, ReadOnlySpan<float> after,
        ReadOnlySpan<float> afterNext, float t, int i) where TFilter : struct, IPointFilter =>
        TFilter.Levels(TFilter.Mix(Load(before, i), Load(here, i), Load(after, i), Load(afterNext, i), t));

    private static Vector128<float> Load(ReadOnlySpan<float> row, int i) =>
        Vector128.LoadUnsafe(ref MemoryMarshal.GetReference(row), (nuint)i);

    /// <summary>Columns <paramref name="First"/> … of a row, <paramref name="Step"/> source pixels apart.</summary>
    private readonly record struct HorizontalAxis(float Step, int First, int Columns);
}
