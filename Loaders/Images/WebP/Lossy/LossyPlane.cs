namespace TinyMllm.Loaders.Images.WebP.Lossy;

/// <summary>
/// One row of macroblocks of a plane, as prediction sees it: before the loop filter, with the border around it (RFC 6386, 12.2). The row
/// above the frame, its corner and the four pixels that stick out on its right are 127, the column on the left is 129.
/// </summary>
/// <param name="width">Pixels of a row, whole macroblocks.</param>
/// <param name="side">Rows of a macroblock: 16, or 8 of chroma.</param>
internal sealed class LossyPlane(int width, int side)
{
    private const byte Above = 127, Left = 129, Middle = 128;
    private const int RightBorder = 4;

    public byte[] Pixels { get; } = new byte[checked((1 + width + RightBorder) * (side + 1))];

    public int Stride => 1 + width + RightBorder;

    /// <summary>Whether there are macroblocks above.</summary>
    public bool HasAbove { get; private set; }

    /// <summary>Where pixel (x, y) of this row of macroblocks is; both may be -1.</summary>
    public int Offset(int x, int y) => (y + 1) * Stride + x + 1;

    /// <summary>Begins a row of macroblocks; the last line of the one before stays above it.</summary>
    /// <param name="row">Its number.</param>
    public void BeginRow(int row)
    {
        HasAbove = row > 0;
        if (HasAbove) Pixels.AsSpan(Offset(-1, side - 1), Stride).CopyTo(Pixels);
        else Pixels.AsSpan(0, Stride).Fill(Above);
        Pixels.AsSpan(Stride).Fill(Middle);
        for (int y = 0; y < side; y++) Pixels[Offset(-1, y)] = Left;
    }

    /// <summary>Line <paramref name="y"/> of this row of macroblocks.</summary>
    public ReadOnlySpan<byte> Line(int y) => Pixels.AsSpan(Offset(0, y), width);
}
