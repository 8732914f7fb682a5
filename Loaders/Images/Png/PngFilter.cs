using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace TinyMllm.Loaders.Images.Png;

/// <summary>
/// Undoes the row filters (PNG 3rd edition, 9.2): a byte is stored as its difference from a prediction made of its neighbours
/// <code>
///   c b      b above, a to the left (one pixel, not one byte), c above a
///   a x
/// </code>
/// A pixel has at most 8 bytes, so one Vector128 of 16-bit lanes carries a whole pixel through the recurrence: the lanes of x become those
/// of a for the next pixel. Loads and stores always move 8 bytes; the lanes beyond the pixel are junk that the next store overwrites, hence
/// <see cref="Padding"/> bytes behind every row.
/// </summary>
internal static class PngFilter
{
    /// <summary>Bytes that must be accessible behind the end of each row.</summary>
    public const int Padding = 8;

    /// <summary>Undoes one row.</summary>
    /// <param name="type">The row's filter byte.</param>
    /// <param name="filtered">The row as stored, padded.</param>
    /// <param name="prior">The row above, unfiltered and padded; zeros for the first row of a pass.</param>
    /// <param name="row">Receives the row, padded.</param>
    /// <param name="count">Bytes of the row.</param>
    /// <param name="unit">Bytes of a pixel, 1 to 8.</param>
    public static void Undo(byte type, ReadOnlySpan<byte> filtered, ReadOnlySpan<byte> prior, Span<byte> row, int count, int unit)
    {
        switch (type)
        {
            case 0:
                filtered[..count].CopyTo(row);
                break;
            case 1:
                Predict<Sub>(filtered, prior, row, count, unit);
                break;
            case 2:
                Up(filtered[..count], prior[..count], row);
                break;
            case 3:
                Predict<Average>(filtered, prior, row, count, unit);
                break;
            case 4:
                Predict<Paeth>(filtered, prior, row, count, unit);
                break;
            default:
                throw new ImageFormatException($"PNG: filter type {type}, expected 0 to 4");
        }
    }

    private static void Predict<TFilter>(ReadOnlySpan<byte> filtered, ReadOnlySpan<byte> prior, Span<byte> row, int count, int unit)
        where TFilter : struct, IPredictor
    {
        Vector128<short> a = default, c = default, byteMask = Vector128.Create((short)0xFF);
        for (int i = 0; i < count; i += unit)
        {
            Vector128<short> b = LoadPixel(prior, i);
            a = (LoadPixel(filtered, i) + TFilter.Predict(a, b, c)) & byteMask;
            StorePixel(a, row, i);
            c = b;
        }
    }

    private static void Up(ReadOnlySpan<byte> filtered, ReadOnlySpan<byte> prior, Span<byte> row)
    {
        int i = 0;
        for (; i + 16 <= filtered.Length; i += 16)
            (Vector128.Create(filtered.Slice(i, 16)) + Vector128.Create(prior.Slice(i, 16))).CopyTo(row[i..]);
        for (; i < filtered.Length; i++) row[i] = (byte)(filtered[i] + prior[i]);
    }

    private static Vector128<short> LoadPixel(ReadOnlySpan<byte> bytes, int at) =>
        Vector128.WidenLower(Vector128.CreateScalarUnsafe(MemoryMarshal.Read<ulong>(bytes[at..])).AsByte()).AsInt16();

    private static void StorePixel(Vector128<short> pixel, Span<byte> bytes, int at) =>
        MemoryMarshal.Write(bytes[at..], Vector128.Narrow(pixel.AsUInt16(), pixel.AsUInt16()).AsUInt64().ToScalar());

    private interface IPredictor
    {
        static abstract Vector128<short> Predict(Vector128<short> a, Vector128<short> b, Vector128<short> c);
    }

    private readonly struct Sub : IPredictor
    {
        public static Vector128<short> Predict(Vector128<short> a, Vector128<short> b, Vector128<short> c) => a;
    }

    private readonly struct Average : IPredictor
    {
        public static Vector128<short> Predict(Vector128<short> a, Vector128<short> b, Vector128<short> c) => (a + b) >>> 1;
    }

    /// <summary>The neighbour nearest to a + b − c; ties go to a, then b.</summary>
    private readonly struct Paeth : IPredictor
    {
        public static Vector128<short> Predict(Vector128<short> a, Vector128<short> b, Vector128<short> c)
        {
            Vector128<short> fromB = a - c, fromA = b - c;
            Vector128<short> distanceA = Vector128.Abs(fromA), distanceB = Vector128.Abs(fromB), distanceC = Vector128.Abs(fromA + fromB);
            var nearest = Vector128.Min(distanceC, Vector128.Min(distanceA, distanceB));
            var bOrC = Vector128.ConditionalSelect(Vector128.Equals(nearest, distanceB), b, c);
            return Vector128.ConditionalSelect(Vector128.Equals(nearest, distanceA), a, bOrC);
        }
    }
}
