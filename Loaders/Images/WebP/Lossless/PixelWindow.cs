using System.Numerics;
using System.Runtime.CompilerServices;

namespace TinyMllm.Loaders.Images.WebP.Lossless;

/// <summary>Takes a finished row of pixels: ARGB, alpha in the top byte. They may be changed.</summary>
/// <param name="y">The row.</param>
/// <param name="row">Its pixels.</param>
internal delegate void LosslessRow(int y, Span<uint> row);

/// <summary>
/// The coded pixels of an image as they come, handed on row by row. Back references reach 2²⁰ pixels at most, so that is what a large
/// picture keeps, in a ring of 8 MiB.
/// </summary>
internal sealed class PixelWindow
{
    /// <summary>2²⁰ for the farthest reference (5.2.2: 18 extra bits), and as much again for the rows under way.</summary>
    private const int MostKept = 1 << 21;

    private readonly uint[] _ring;
    private readonly int _mask;
    private readonly int _total;
    private readonly uint[] _row;
    private readonly LosslessRow _receive;
    private int _count, _cached, _rows, _rowEnd;

    public PixelWindow(int width, int height, LosslessRow receive)
    {
        (Width, Height, _receive, _total, _rowEnd) = (width, height, receive, checked(width * height), width);
        _ring = new uint[BitOperations.RoundUpToPowerOf2((uint)Math.Min(_total, MostKept))];
        _mask = _ring.Length - 1;
        _row = new uint[width];
    }

    public int Width { get; }

    public int Height { get; }

    /// <summary>Whether all pixels are there.</summary>
    public bool IsFull => _count == _total;

    /// <summary>Whether pixels that the colour cache has not seen will soon be overwritten.</summary>
    public bool IsCacheFarBehind => _count - _cached > MostKept / 2;

    /// <summary>Adds a pixel.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Add(uint pixel)
    {
        _ring[_count++ & _mask] = pixel;
        if (_count == _rowEnd) EmitRow();
    }

    /// <summary>Adds the pixels that stand <paramref name="distance"/> before, as long as there is room; returns how many.</summary>
    public int Repeat(int distance, int count)
    {
        if (distance > _count) throw new ImageFormatException($"WebP: a back reference of {distance} pixels at pixel {_count}");
        count = Math.Min(count, _total - _count);
        for (int i = 0; i < count; i++) Add(_ring[(_count - distance) & _mask]);
        return count;
    }

    /// <summary>Brings the colour cache up to date.</summary>
    public void AddTo(ColourCache cache)
    {
        for (; _cached < _count; _cached++) cache.Add(_ring[_cached & _mask]);
    }

    private void EmitRow()
    {
        int start = (_rowEnd - Width) & _mask, first = Math.Min(Width, _ring.Length - start);
        _ring.AsSpan(start, first).CopyTo(_row);
        _ring.AsSpan(0, Width - first).CopyTo(_row.AsSpan(first));
        _rowEnd += Width;
        _receive(_rows++, _row);
    }
}

/// <summary>Recent colours, each at the place that its hash says (WebP lossless specification, 5.2.3).</summary>
internal readonly struct ColourCache(int bits)
{
    private const uint Multiplier = 0x1E35A7BD;

    private readonly uint[] _colours = bits == 0 ? [] : new uint[1 << bits];

    public uint this[int index] => _colours[index];

    public void Add(uint pixel) => _colours[pixel * Multiplier >> (32 - bits)] = pixel;
}
