namespace TinyMllm.Kernels.MatMul;

/// <summary>
/// Rows of activations as signed bytes in blocks of 32: x[i] ≈ Scales[i / 32] · Values[i], |Values| ≤ 127. The sums over 16 values come along, because unsigned
/// weights (q = w + zero) need zero·Σx taken off again.
/// </summary>
public unsafe struct QuantizedRows
{
    /// <summary>Values per scale.</summary>
    public const int BlockLength = 32;

    /// <summary>Values per sum.</summary>
    internal const int SumLength = 16;

    /// <summary>Number of rows.</summary>
    public int Rows;

    /// <summary>Values per row, a multiple of 32.</summary>
    public int Columns;

    /// <summary>[Rows, Columns].</summary>
    public sbyte* Values;

    /// <summary>[Rows, Columns / 32].</summary>
    public float* Scales;

    /// <summary>
    /// [Rows, Columns / 16]: sums over 16 values, as a pair of 16-bit integers: values with k mod 4 in {0, 1} in the low half, {2, 3} in the high one.
    /// </summary>
    public int* PairSums;

    /// <summary>Bytes that <see cref="Attach"/> needs.</summary>
    public static long ByteCount(int rows, int columns) => 
        rows * ((long)columns + (columns / BlockLength * sizeof(float)) + (columns / SumLength * sizeof(int))) + (3 * Panel.Alignment);

    /// <summary>Lays the arrays out in <paramref name="memory"/>, which is aligned to 64 bytes.</summary>
    public static QuantizedRows Attach(byte* memory, int rows, int columns)
    {
        long values = Aligned((long)rows * columns), scales = Aligned((long)rows * (columns / BlockLength) * sizeof(float));
        return new QuantizedRows
        {
            Rows = rows,
            Columns = columns,
            Values = (sbyte*)memory,
            Scales = (float*)(memory + values),
            PairSums = (int*)(memory + values + scales),
        };
    }

    private static long Aligned(long bytes) => (bytes + Panel.Alignment - 1) & -Panel.Alignment;
}
