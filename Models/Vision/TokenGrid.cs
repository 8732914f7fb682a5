namespace TinyMllm.Vision;

/// <summary>
/// The embeddings of one encoded tile. <paramref name="Columns"/> × <paramref name="Rows"/> is their arrangement where positions are two-dimensional
/// (M-RoPE); otherwise it is <paramref name="Count"/> × 1.
/// </summary>
/// <param name="Count">Number of embeddings.</param>
/// <param name="Columns">Embeddings per row.</param>
/// <param name="Rows">Rows.</param>
public readonly record struct TokenGrid(int Count, int Columns, int Rows)
{
    /// <summary>A plain sequence.</summary>
    public static TokenGrid Line(int count) => new(count, count, 1);

    /// <summary>A two-dimensional arrangement.</summary>
    public static TokenGrid Area(int columns, int rows) => new(columns * rows, columns, rows);
}
