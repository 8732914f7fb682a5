using TinyMllm.Engine;

namespace TinyMllm.Language;

/// <summary>What enters a decoder at once: text tokens, or the embedding rows of a picture, with their positions.</summary>
public readonly ref struct Batch
{
    private Batch(ReadOnlySpan<int> tokens, Matrix embeddings, int firstPosition, ReadOnlySpan<int> positions, bool nonCausal)
    {
        Tokens = tokens;
        Embeddings = embeddings;
        FirstPosition = firstPosition;
        Positions = positions;
        IsNonCausal = nonCausal;
    }

    /// <summary>Token ids; empty for a picture.</summary>
    public ReadOnlySpan<int> Tokens { get; }

    /// <summary>One row per picture token, as the projector gives them; no rows for text.</summary>
    public Matrix Embeddings { get; }

    /// <summary>Position of the first row where <see cref="Positions"/> is empty; the others follow one by one.</summary>
    public int FirstPosition { get; }

    /// <summary>Positions of all rows, axis by axis (time, row, column, …); empty = consecutive.</summary>
    public ReadOnlySpan<int> Positions { get; }

    /// <summary>Whether the rows of this batch all see each other (Gemma 3's pictures).</summary>
    public bool IsNonCausal { get; }

    /// <summary>Whether the rows are a picture's.</summary>
    public bool IsPicture => Tokens.IsEmpty;

    /// <summary>Number of rows.</summary>
    public int Count => IsPicture ? Embeddings.Rows : Tokens.Length;

    /// <summary>Text tokens at consecutive positions.</summary>
    /// <param name="tokens">Ids below the vocabulary size.</param>
    /// <param name="position">Position of the first.</param>
    public static Batch Text(ReadOnlySpan<int> tokens, int position) => new(tokens, default, position, default, false);

    /// <summary>Picture tokens at consecutive positions.</summary>
    /// <param name="embeddings">[tokens, <see cref="LanguageModel.InputLength"/>].</param>
    /// <param name="position">Position of the first.</param>
    /// <param name="nonCausal">Whether all rows see each other.</param>
    public static Batch Picture(Matrix embeddings, int position, bool nonCausal = false) =>
        new(default, embeddings, position, default, nonCausal);

    /// <summary>Picture tokens at positions in several dimensions (<see cref="LanguageModel.UsesMrope"/>).</summary>
    /// <param name="embeddings">[tokens, <see cref="LanguageModel.InputLength"/>].</param>
    /// <param name="positions">Time, row and column (and the fourth axis, else 0) of every token: axis by axis.</param>
    /// <param name="nonCausal">Whether all rows see each other.</param>
    /// <exception cref="ArgumentException">The number of positions is not three or four per token.</exception>
    public static Batch Picture(Matrix embeddings, ReadOnlySpan<int> positions, bool nonCausal = false)
    {
        if (positions.Length != 3 * embeddings.Rows && positions.Length != 4 * embeddings.Rows)
        {
            throw new ArgumentException(
                $"{positions.Length} positions for {embeddings.Rows} tokens, expected three or four for each", nameof(positions));
        }

        return new(default, embeddings, 0, positions, nonCausal);
    }
}
