namespace TinyMllm.Kernels.Im2Col;

/// <summary>
/// Unfolds a channels-last feature map for a convolution as a matrix product: the window of one output cell becomes a row of
/// <c>K·K·channels</c> floats in the order (ky, kx, channel), zero outside the map.
/// </summary>
public static class ConvolutionUnfolding
{
    /// <summary>Writes the window of output cell (<paramref name="x"/>, <paramref name="y"/>).</summary>
    /// <param name="map">Rows of <paramref name="channels"/> floats, cell (x, y) at row <c>y·columns + x</c>.</param>
    /// <param name="columns">Columns of the map.</param>
    /// <param name="rows">Rows of the map.</param>
    /// <param name="channels">Features per cell.</param>
    /// <param name="x">Output column.</param>
    /// <param name="y">Output row.</param>
    /// <param name="kernel">Side K of the window.</param>
    /// <param name="stride">Cells between neighbouring windows.</param>
    /// <param name="padding">Zero cells around the map.</param>
    /// <param name="window">Receives the row.</param>
    public static void Unfold(ReadOnlySpan<float> map, int columns, int rows, int channels, int x, int y,
        int kernel, int stride, int padding, Span<float> window)
    {
        for (int ky = 0; ky < kernel; ky++)
        {
            int sourceY = y * stride - padding + ky;
            for (int kx = 0; kx < kernel; kx++)
            {
                int sourceX = x * stride - padding + kx;
                Span<float> cell = window.Slice((ky * kernel + kx) * channels, channels);
                if ((uint)sourceX < (uint)columns && (uint)sourceY < (uint)rows)
                    map.Slice((sourceY * columns + sourceX) * channels, channels).CopyTo(cell);
                else cell.Clear();
            }
        }
    }
}
