using System.Runtime.CompilerServices;
using TinyMllm.Kernels.Elementwise;
using TinyMllm.Kernels.Simd;

namespace TinyMllm.Kernels.Resampling;

/// <summary>
/// Resamples a grid of feature vectors, such as learned position embeddings, to another grid:
/// <c>out(y, x) = Σ wy(j)·wx(i)·in(j, i) / Σ wy·wx</c>, every feature alike, float32.
/// </summary>
/// <remarks>
/// Row <c>y·columns + x</c> holds the features of cell (x, y) contiguously; the inner loop runs along them, whole vectors at a time.
/// </remarks>
public static class GridResampling
{
    /// <summary>
    /// Resamples <paramref name="source"/> (<paramref name="sourceColumns"/> × <paramref name="sourceRows"/> cells) to one target cell.
    /// </summary>
    /// <param name="source">Source cells, row-major, each <c>target.Length</c> features.</param>
    /// <param name="sourceColumns">Columns of the source grid.</param>
    /// <param name="sourceRows">Rows of the source grid.</param>
    /// <param name="column">Column of the wanted cell in the target grid.</param>
    /// <param name="row">Row of the wanted cell in the target grid.</param>
    /// <param name="columns">Columns of the target grid.</param>
    /// <param name="rows">Rows of the target grid.</param>
    /// <param name="target">Receives the features of the cell.</param>
    public static void Sample<TFilter>(ReadOnlySpan<float> source, int sourceColumns, int sourceRows,
        int column, int row, int columns, int rows, Span<float> target) where TFilter : struct, IGridFilter
    {
        target.Clear();
        float sum = 0;
        (int top, int bottom) = TFilter.Range(row, sourceRows, rows);
        (int left, int right) = TFilter.Range(column, sourceColumns, columns);
        for (int j = top; j < bottom; j++)
        {
            float weightY = TFilter.Weight(row, j, sourceRows, rows);
            int line = Math.Clamp(j, 0, sourceRows - 1) * sourceColumns;
            for (int i = left; i < right; i++)
            {
                float weight = weightY * TFilter.Weight(column, i, sourceColumns, columns);
                int cell = line + Math.Clamp(i, 0, sourceColumns - 1);
                MultiplyAdd(weight, source.Slice(cell * target.Length, target.Length), target);
                sum += weight;
            }
        }

        Scale(target, 1 / sum);
    }

    private static unsafe void MultiplyAdd(float weight, ReadOnlySpan<float> features, Span<float> sum)
    {
        fixed (float* f = features, s = sum) VectorLoop.Run(new Body(weight, f, s), sum.Length);
    }

    private static unsafe void Scale(Span<float> values, float factor)
    {
        fixed (float* v = values) VectorKernels.Scale(v, factor, v, values.Length);
    }

    private readonly unsafe struct Body(float weight, float* features, float* sum) : IVectorBody
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void Invoke<T>(nint i)
            where T : unmanaged, IMathLanes<T> => T.Store(T.Load(sum + i) + (T.Splat(weight) * T.Load(features + i)), sum + i);
    }
}
