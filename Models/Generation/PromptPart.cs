using TinyMllm.Vision;

namespace TinyMllm.Generation;

/// <summary>A stretch of a prompt that enters the language model at once.</summary>
internal abstract record PromptPart
{
    /// <summary>Entries it takes in the cache.</summary>
    public abstract int Tokens { get; }

    /// <summary>Positions it takes; fewer than tokens where a picture has two-dimensional positions.</summary>
    public abstract int Positions { get; }
}

/// <summary>Text.</summary>
/// <param name="Ids">Token ids.</param>
internal sealed record TextPart(int[] Ids) : PromptPart
{
    /// <inheritdoc/>
    public override int Tokens => Ids.Length;

    /// <inheritdoc/>
    public override int Positions => Ids.Length;
}

/// <summary>One tile of a picture (or its overview), to be encoded and put in place of token embeddings.</summary>
/// <param name="Picture">Content of the picture.</param>
/// <param name="Index">Which of its tiles; the same content gives the same tiles.</param>
/// <param name="Tile">The pixels.</param>
/// <param name="Grid">Arrangement of the embeddings; a line unless the language model has two-dimensional positions.</param>
/// <param name="NonCausal">True if all of them see each other.</param>
/// <param name="UsesMrope">True if the language model has two-dimensional positions.</param>
internal sealed record PicturePart(PictureKey Picture, int Index, ImageTile Tile, TokenGrid Grid, bool NonCausal, bool UsesMrope) : PromptPart
{
    /// <inheritdoc/>
    public override int Tokens => Grid.Count;

    /// <inheritdoc/>
    public override int Positions => Grid.IsArea ? Math.Max(Grid.Columns, Grid.Rows) : Grid.Count;

    /// <summary>
    /// With M-RoPE the positions of all embeddings, axis by axis (time, row, column), the first at <paramref name="first"/>; empty otherwise:
    /// they follow each other from there. In an area time stands still and row and column count from the first position.
    /// </summary>
    public int[] PositionsFrom(int first)
    {
        if (!UsesMrope) return [];
        int count = Grid.Count;
        var positions = new int[3 * count];
        for (int i = 0; i < count; i++)
        {
            positions[i] = first + (Grid.IsArea ? 0 : i);
            positions[count + i] = first + (Grid.IsArea ? i / Grid.Columns : i);
            positions[2 * count + i] = first + (Grid.IsArea ? i % Grid.Columns : i);
        }

        return positions;
    }
}
