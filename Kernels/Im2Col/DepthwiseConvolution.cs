using System.Numerics;
using System.Runtime.InteropServices;

namespace TinyMllm.Kernels.Im2Col;

/// <summary>
/// Depthwise convolution on a channels-last feature map: <c>out(y, x)[c] = bias[c] + Σ w(ky, kx)[c]·in(y·s − p + ky, x·s − p + kx)[c]</c>.
/// Weights lie (ky, kx, channel), so that every tap is one contiguous multiply-add along the channels. Scalar oracle: the formula, in the
/// tests.
/// </summary>
public static class DepthwiseConvolution
{
    /// <summary>
    /// Computes output cell (<paramref name="x"/>, <paramref name="y"/>) into <paramref name="cell"/>, which holds the bias (or zeros) on
    /// entry.
    /// </summary>
    /// <param name="map">Rows of <c>cell.Length</c> floats, cell (x, y) at row <c>y·columns + x</c>.</param>
    /// <param name="columns">Columns of the map.</param>
    /// <param name="rows">Rows of the map.</param>
    /// <param name="weights">Kernel as (ky, kx, channel).</param>
    /// <param name="kernel">Side of the kernel.</param>
    /// <param name="stride">Cells between neighbouring outputs.</param>
    /// <param name="padding">Zero cells around the map.</param>
    /// <param name="x">Output column.</param>
    /// <param name="y">Output row.</param>
    /// <param name="cell">Bias on entry, result on return.</param>
    public static void Accumulate(ReadOnlySpan<float> map, int columns, int rows, ReadOnlySpan<float> weights,
        int kernel, int stride, int padding, int x, int y, Span<float> cell)
    {
        int channels = cell.Length;
        for (int ky = 0; ky < kernel; ky++)
        {
            int sourceY = y * stride - padding + ky;
            if ((uint)sourceY >= (uint)rows) continue;
            for (int kx = 0; kx < kernel; kx++)
            {
                int sourceX = x * stride - padding + kx;
                if ((uint)sourceX >= (uint)columns) continue;
                MultiplyAdd(weights.Slice((ky * kernel + kx) * channels, channels),
                    map.Slice((sourceY * columns + sourceX) * channels, channels), cell);
            }
        }
    }

    private static void MultiplyAdd(ReadOnlySpan<float> weights, ReadOnlySpan<float> values, Span<float> sum)
    {
        int whole = sum.Length - sum.Length % Vector<float>.Count;
        var w = MemoryMarshal.Cast<float, Vector<float>>(weights[..whole]);
        var v = MemoryMarshal.Cast<float, Vector<float>>(values[..whole]);
        var s = MemoryMarshal.Cast<float, Vector<float>>(sum[..whole]);
        for (int i = 0; i < s.Length; i++) s[i] += w[i] * v[i];
        for (int i = whole; i < sum.Length; i++) sum[i] += weights[i] * values[i];
    }
}
