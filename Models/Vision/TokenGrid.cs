namespace TinyMllm.Vision;

/// <summary>The embeddings of one encoded tile and how they are arranged.</summary>
/// <param name="Columns">Embeddings per row.</param>
/// <param name="Rows">Rows.</param>
/// <param name="IsArea">
/// True if a language model with two-dimensional positions (M-RoPE) places them as an area; false: as a line, one after the other.
/// </param>
public readonly record struct TokenGrid(int Columns, int Rows, bool IsArea)
{
    /// <summary>Number of embeddings.</summary>
    public int Count => Columns * Rows;

    /// <summary>A plain sequence.</summary>
    public static TokenGrid Line(int count) => new(count, 1, false);

    /// <summary>A two-dimensional arrangement, row after row.</summary>
    public static TokenGrid Area(int columns, int rows) => new(columns, rows, true);
}
