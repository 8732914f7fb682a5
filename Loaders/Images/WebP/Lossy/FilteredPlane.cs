namespace TinyMllm.Loaders.Images.WebP.Lossy;

/// <summary>
/// Two rows of macroblocks of a plane after prediction, for the loop filter, which changes the last lines of a row only when the next one
/// is there.
/// </summary>
/// <param name="width">Pixels of a row, whole macroblocks.</param>
/// <param name="side">Rows of a macroblock: 16, or 8 of chroma.</param>
internal sealed class FilteredPlane(int width, int side)
{
    private int _row;

    public byte[] Pixels { get; } = new byte[checked(2 * side * width)];

    public int Stride => width;

    /// <summary>First line of the newest row of macroblocks: 0 for the first one of the frame, else behind the one above.</summary>
    public int Newest => _row == 0 ? 0 : side;

    /// <summary>Takes a predicted row of macroblocks and lets go of the one before the last.</summary>
    /// <param name="row">Its number.</param>
    /// <param name="plane">Its pixels.</param>
    public void Take(int row, LossyPlane plane)
    {
        if (row > 1) Pixels.AsSpan(side * width).CopyTo(Pixels);
        _row = row;
        for (int y = 0; y < side; y++) plane.Line(y).CopyTo(Pixels.AsSpan((Newest + y) * width));
    }

    /// <summary>Where pixel (x, y) is, counted from the first line that is held.</summary>
    public int Offset(int x, int y) => y * width + x;

    /// <summary><paramref name="count"/> pixels of line <paramref name="y"/> of the frame, which must be one of those held.</summary>
    public ReadOnlySpan<byte> Line(int y, int count) => Pixels.AsSpan((y - Math.Max(0, _row - 1) * side) * width, count);
}
