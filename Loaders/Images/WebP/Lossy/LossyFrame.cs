using System.Runtime.InteropServices;

namespace TinyMllm.Loaders.Images.WebP.Lossy;

/// <summary>
/// The end of the decoder's pipe: takes predicted rows of macroblocks, filters them, converts the lines that no filter will change any more,
/// and hands them on. It holds two rows of macroblocks.
/// </summary>
/// <param name="width">Pixels of a line.</param>
/// <param name="height">Lines.</param>
/// <param name="isSimpleFilter">The simple loop filter, for luma alone.</param>
/// <param name="receive">Given the lines from the top down, RGBA.</param>
internal sealed class LossyFrame(int width, int height, bool isSimpleFilter, WebPRow receive)
{
    public const int Side = 16, ChromaSide = 8;

    /// <summary>
    /// The filter of the next row changes three lines of this one, three of chroma as well; these are six of the picture, and two more
    /// for interpolation.
    /// </summary>
    private const int HeldBack = 8;

    private readonly uint[] _line = new uint[width];
    private int _emitted;

    /// <summary>Macroblocks of a row.</summary>
    public static int Across(int width) => (width + Side - 1) / Side;

    public int Width => width;

    public int ChromaWidth => (width + 1) / 2;

    public int ChromaHeight => (height + 1) / 2;

    public FilteredPlane Luma { get; } = new(Across(width) * Side, Side);

    public FilteredPlane Blue { get; } = new(Across(width) * ChromaSide, ChromaSide);

    public FilteredPlane Red { get; } = new(Across(width) * ChromaSide, ChromaSide);

    /// <summary>Room for a line of interpolated chroma.</summary>
    public byte[] BlueLine { get; } = new byte[width];

    /// <summary>Room for a line of interpolated chroma.</summary>
    public byte[] RedLine { get; } = new byte[width];

    /// <summary>Takes row <paramref name="row"/> of macroblocks.</summary>
    /// <param name="row">Its number; rows come from the top down.</param>
    /// <param name="luma">Its luma.</param>
    /// <param name="blue">Its blue difference.</param>
    /// <param name="red">Its red difference.</param>
    /// <param name="filters">How each macroblock is filtered.</param>
    public void Take(int row, LossyPlane luma, LossyPlane blue, LossyPlane red, ReadOnlySpan<FilterStrength> filters)
    {
        Luma.Take(row, luma);
        Blue.Take(row, blue);
        Red.Take(row, red);
        for (int column = 0; column < filters.Length; column++)
        {
            FilterStrength strength = filters[column];
            if (strength.Limit == 0) continue;
            LoopFilter.Macroblock(Luma, column * Side, Side, strength, isSimpleFilter);
            if (isSimpleFilter) continue;
            LoopFilter.Macroblock(Blue, column * ChromaSide, ChromaSide, strength, isSimple: false);
            LoopFilter.Macroblock(Red, column * ChromaSide, ChromaSide, strength, isSimple: false);
        }

        int end = (row + 1) * Side;
        for (end = end >= height ? height : end - HeldBack; _emitted < end; _emitted++)
        {
            LossyColour.Convert(this, _emitted, _line);
            receive(_emitted, MemoryMarshal.AsBytes(_line.AsSpan()));
        }
    }
}
