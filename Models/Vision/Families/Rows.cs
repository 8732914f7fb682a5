using TinyMllm.Engine;
using TinyMllm.Kernels.Elementwise;

namespace TinyMllm.Vision.Families;

/// <summary>Small rearrangements of rows that projectors are made of.</summary>
internal static unsafe class Rows
{
    /// <summary>Every <paramref name="count"/> consecutive rows as one long row; a view.</summary>
    public static Matrix Concatenate(Matrix x, int count)
    {
        if (x.Stride != x.Columns || x.Rows % count != 0)
            throw new ArgumentException($"{x.Rows} rows (stride {x.Stride}, {x.Columns} columns) are not dense groups of {count}");
        return new Matrix(x.Data, x.Rows / count, x.Columns * count);
    }

    /// <summary>The mean of every <paramref name="count"/> consecutive rows.</summary>
    public static void Mean(Matrix x, int count, Matrix y)
    {
        y.Clear();
        for (int i = 0; i < y.Rows; i++)
            for (int k = 0; k < count; k++) VectorKernels.AddScaled(x.Row(i * count + k), 1f / count, y.Row(i), x.Columns);
    }

    /// <summary>The mean of every <c>order.Length / y.Rows</c> rows in the given order.</summary>
    public static void Mean(Matrix x, ReadOnlySpan<int> order, Matrix y)
    {
        int count = order.Length / y.Rows;
        y.Clear();
        for (int i = 0; i < order.Length; i++) VectorKernels.AddScaled(x.Row(order[i]), 1f / count, y.Row(i / count), x.Columns);
    }

    /// <summary>Row i of <paramref name="x"/> goes to row <c>places[i]</c> of <paramref name="y"/>.</summary>
    public static void Scatter(Matrix x, ReadOnlySpan<int> places, Matrix y)
    {
        for (int i = 0; i < x.Rows; i++) x.RowSpan(i).CopyTo(y.RowSpan(places[i]));
    }
}
