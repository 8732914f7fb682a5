namespace TinyMllm.Vision.Prompting;

/// <summary>A stretch of a prompt that enters the language model in one batch.</summary>
/// <param name="Position">Position of its first token.</param>
public abstract record PromptChunk(int Position)
{
    /// <summary>Tokens or embedding rows; entries in the KV cache.</summary>
    public abstract int TokenCount { get; }

    /// <summary>Positions it takes: what follows stands at <see cref="Position"/> plus this.</summary>
    public abstract int PositionCount { get; }
}

/// <summary>Text.</summary>
/// <param name="Position">Position of the first token.</param>
/// <param name="Tokens">Token ids.</param>
public sealed record TextChunk(int Position, IReadOnlyList<int> Tokens) : PromptChunk(Position)
{
    /// <inheritdoc/>
    public override int TokenCount => Tokens.Count;

    /// <inheritdoc/>
    public override int PositionCount => Tokens.Count;
}

/// <summary>A picture, or one tile of it, to be encoded and put in place of token embeddings.</summary>
/// <param name="Position">Position of the first embedding.</param>
/// <param name="Image">Which of the prompt's pictures it belongs to, from 0.</param>
/// <param name="Tile">The pixels.</param>
/// <param name="Grid">Arrangement of the embeddings; a line unless the language model has two-dimensional positions.</param>
/// <param name="NonCausal">True if all of them see each other.</param>
/// <param name="UsesMrope">True if the language model has two-dimensional positions.</param>
public sealed record ImageChunk(int Position, int Image, ImageTile Tile, TokenGrid Grid, bool NonCausal, bool UsesMrope) : PromptChunk(Position)
{
    /// <inheritdoc/>
    public override int TokenCount => Grid.Count;

    /// <inheritdoc/>
    public override int PositionCount => Grid.IsArea ? Math.Max(Grid.Columns, Grid.Rows) : Grid.Count;

    /// <summary>
    /// With M-RoPE the positions of all embeddings, axis by axis (time, row, column); empty otherwise: they follow each other from
    /// <see cref="PromptChunk.Position"/> on. In an area time stands still and row and column count from the first position.
    /// </summary>
    public int[] Positions()
    {
        if (!UsesMrope) return [];
        int count = Grid.Count;
        var positions = new int[3 * count];
        for (int i = 0; i < count; i++)
        {
            positions[i] = Position + (Grid.IsArea ? 0 : i);
            positions[count + i] = Position + (Grid.IsArea ? i / Grid.Columns : i);
            positions[2 * count + i] = Position + (Grid.IsArea ? i % Grid.Columns : i);
        }

        return positions;
    }
}
