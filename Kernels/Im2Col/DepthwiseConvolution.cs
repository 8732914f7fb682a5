using System.Runtime.CompilerServices;
using TinyMllm.Kernels.Simd;

namespace TinyMllm.Kernels.Im2Col;

/// <summary>
/// Depthwise convolution on a channels-last feature map: <c>out(y, x)[c] = bias[c] + Σ w(ky, kx)[c]·in(y·s − p + ky, x·s − p + kx)[c]</c>.
/// Weights lie (ky, kx, channel), so that every tap is one contiguous multiply-add along the channels.
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

    /// <summary>The scalar oracle.</summary>
    /// <inheritdoc cref="Accumulate"/>
    public static void Scalar(ReadOnlySpan<float> map, int columns, int rows, ReadOnlySpan<float> weights,
        int kernel, int stride, int padding, int x, int y, Span<float> cell)
    {
        for (int tap = 0; tap < kernel * kernel; tap++)
        {
            int sourceX = (x * stride) - padding + (tap % kernel), sourceY = (y * stride) - padding + (tap / kernel);
            if (sourceX < 0 || sourceX >= columns || sourceY < 0 || sourceY >= rows) continue;
            for (int channel = 0; channel < cell.Length; channel++)
                cell[channel] += weights[(tap * cell.Length) + channel] * map[(((sourceY * columns) + sourceX) * cell.Length) + channel];
        }
    }

    private static unsafe void MultiplyAdd(ReadOnlySpan<float> weights, ReadOnlySpan<float> values, Span<float> sum)
    {
        fixed (float* w = weights, v = values, s = sum) VectorLoop.Run(new Body(w, v, s), sum.Length);
    }

    private readonly unsafe struct Body(float* weights, float* values, float* sum) : IVectorBody
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void Invoke<T>(nint i)
            where T : unmanaged, IMathLanes<T> => T.Store(T.Load(sum + i) + (T.Load(weights + i) * T.Load(values + i)), sum + i);
    }
}
