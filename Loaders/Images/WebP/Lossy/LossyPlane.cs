namespace TinyMllm.Loaders.Images.WebP.Lossy;

/// <summary>
/// A plane of whole macroblocks, with the border that prediction sees outside the frame (RFC 6386, 12.2): the row above, its corner and the
/// four pixels that stick out on its right are 127, the column on the left is 129.
/// </summary>
internal sealed class LossyPlane
{
    private const byte Above = 127, Left = 129, Middle = 128;
    private const int RightBorder = 4;

    public LossyPlane(int width, int height)
    {
        Stride = 1 + width + RightBorder;
        Pixels = new byte[checked(Stride * (height + 1))];
        Pixels.AsSpan(0, Stride).Fill(Above);
        Pixels.AsSpan(Stride).Fill(Middle);
        for (int y = 0; y < height; y++) Pixels[Offset(-1, y)] = Left;
    }

    public byte[] Pixels { get; }

    public int Stride { get; }

    /// <summary>Where pixel (x, y) is; both may be -1.</summary>
    public int Offset(int x, int y) => (y + 1) * Stride + x + 1;

    /// <summary><paramref name="width"/> pixels of row <paramref name="y"/>.</summary>
    public ReadOnlySpan<byte> Row(int y, int width) => Pixels.AsSpan(Offset(0, y), width);
}
