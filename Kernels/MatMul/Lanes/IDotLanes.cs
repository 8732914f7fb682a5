namespace TinyMllm.Kernels.MatMul;

/// <summary>
/// Sixteen running integer dot products, one per row of a weight panel: what differs between AVX-512BW, AVX-VNNI, AVX2, NEON and plain C#
/// in a quantised matrix product. All leaves give the same integers.
/// </summary>
/// <typeparam name="T">The accumulator.</typeparam>
/// <typeparam name="TBytes">64 weight bytes.</typeparam>
/// <typeparam name="TRows">16 floats.</typeparam>
internal unsafe interface IDotLanes<T, TBytes, TRows>
    where T : unmanaged, IDotLanes<T, TBytes, TRows>
    where TBytes : unmanaged, IByteLanes<TBytes>
    where TRows : unmanaged, IRowLanes<TRows>
{
    /// <summary>What the leaf subtracts from every weight byte by itself (signed dot products take the byte minus 128).</summary>
    static abstract int Bias { get; }

    /// <summary>
    /// True if sums are kept as pairs of 16 bits, (k mod 4 in {0, 1}) and (k mod 4 in {2, 3}): start values then are pairs too, and weights are limited to 31.
    /// </summary>
    static abstract bool PairedSums { get; }

    /// <summary>Panels of 16 outputs in a tile, beside its four rows: as many as the registers hold sums of.</summary>
    static abstract int TilePanels { get; }

    /// <summary>All 16 sums start at the 32 bits of <paramref name="value"/>: one integer, or a pair of 16-bit integers.</summary>
    static abstract T Start(int value);

    /// <summary>sum[row] += Σ_{i&lt;4} (weights[row, i] − Bias) · activations[i].</summary>
    static abstract T MultiplyAdd(T sums, TBytes weights, sbyte* activations);

    static abstract TRows ToSingle(T sums);
}
