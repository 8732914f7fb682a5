namespace TinyMllm.Engine;

/// <summary>
/// A view of row-major floats: one row per token or patch, one column per feature. It owns nothing; the memory belongs to a
/// <see cref="Workspace"/>, a <see cref="NativeBuffer{T}"/> or a caller.
/// </summary>
public readonly unsafe struct Matrix
{
    /// <summary>Views <paramref name="rows"/> × <paramref name="columns"/> floats.</summary>
    /// <param name="data">First float.</param>
    /// <param name="rows">Number of rows.</param>
    /// <param name="columns">Floats per row.</param>
    /// <param name="stride">Floats from one row to the next; at least <paramref name="columns"/>.</param>
    public Matrix(float* data, int rows, int columns, int stride)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(rows);
        ArgumentOutOfRangeException.ThrowIfNegative(columns);
        ArgumentOutOfRangeException.ThrowIfLessThan(stride, columns);
        Data = data;
        Rows = rows;
        Columns = columns;
        Stride = stride;
    }

    /// <summary>Views densely packed rows.</summary>
    public Matrix(float* data, int rows, int columns)
        : this(data, rows, columns, columns)
    {
    }

    /// <summary>First float of the first row.</summary>
    public float* Data { get; }

    /// <summary>Number of rows.</summary>
    public int Rows { get; }

    /// <summary>Floats per row.</summary>
    public int Columns { get; }

    /// <summary>Floats from one row to the next.</summary>
    public int Stride { get; }

    /// <summary>First float of row <paramref name="index"/>; not bounds-checked.</summary>
    public float* Row(int index) => Data + (long)index * Stride;

    /// <summary>Row <paramref name="index"/> as a span.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There is no such row.</exception>
    public Span<float> RowSpan(int index)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)index, (uint)Rows, nameof(index));
        return new Span<float>(Row(index), Columns);
    }

    /// <summary><paramref name="count"/> rows from <paramref name="first"/> on.</summary>
    public Matrix Slice(int first, int count)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan((uint)first, (uint)Rows, nameof(first));
        ArgumentOutOfRangeException.ThrowIfGreaterThan((uint)count, (uint)(Rows - first), nameof(count));
        return new Matrix(Row(first), count, Columns, Stride);
    }

    /// <summary><paramref name="count"/> columns from <paramref name="first"/> on, of all rows.</summary>
    public Matrix SliceColumns(int first, int count)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan((uint)first, (uint)Columns, nameof(first));
        ArgumentOutOfRangeException.ThrowIfGreaterThan((uint)count, (uint)(Columns - first), nameof(count));
        return new Matrix(Data + first, Rows, count, Stride);
    }

    /// <summary>Copies all values to <paramref name="target"/>, which has the same shape.</summary>
    public void CopyTo(Matrix target)
    {
        if (target.Rows != Rows || target.Columns != Columns)
            throw new ArgumentException($"cannot copy {Rows}x{Columns} to {target.Rows}x{target.Columns}", nameof(target));
        for (int i = 0; i < Rows; i++) RowSpan(i).CopyTo(target.RowSpan(i));
    }

    /// <summary>Sets all values to zero.</summary>
    public void Clear()
    {
        for (int i = 0; i < Rows; i++) RowSpan(i).Clear();
    }
}
