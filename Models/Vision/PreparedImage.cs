using TinyMllm.Loaders.Images;
using TinyMllm.Vision.Families;
using TinyMllm.Vision.Preprocessing;

namespace TinyMllm.Vision;

/// <summary>A picture as one vision model reads it: markers, tiles and overview in the order of the prompt.</summary>
public sealed class PreparedImage
{
    private PreparedImage(List<ImagePiece> pieces, int tokens) => (Pieces, TokenCount) = (pieces, tokens);

    /// <summary>Everything that stands for the picture in the prompt.</summary>
    public IReadOnlyList<ImagePiece> Pieces { get; }

    /// <summary>The tiles (and the overview) to be encoded, in order.</summary>
    public IEnumerable<ImageTile> Tiles => Pieces.OfType<ImagePiece.Pixels>().Select(piece => piece.Tile);

    /// <summary>Embeddings that the tiles give together; markers not counted.</summary>
    public int TokenCount { get; }

    /// <summary>Cuts <paramref name="image"/> as <paramref name="plan"/> says, and puts the family's markers around the tiles. No pixel is computed.</summary>
    internal static PreparedImage Arrange(VisionFamily family, Preprocessor preprocessor, RgbImage image, ImagePlan plan)
    {
        ImageMarkers markers = family.Markers;
        List<ImagePiece> pieces = [];
        int tokens = 0;
        Text(markers.Begin);
        if (markers.OverviewFirst) Overview();
        if (plan.Grid.Count > 0) Tiles();
        if (!markers.OverviewFirst) Overview();
        Text(markers.End);
        return new PreparedImage(pieces, tokens);

        void Text(string? text)
        {
            if (!string.IsNullOrEmpty(text)) pieces.Add(new ImagePiece.MarkerText(text));
        }

        void Token(string? token)
        {
            if (token is not null) pieces.Add(new ImagePiece.MarkerToken(token));
        }

        void Pixels(ImageTile tile)
        {
            pieces.Add(new ImagePiece.Pixels(tile));
            tokens += family.Tokens(tile.Size).Count;
        }

        void Overview()
        {
            if (preprocessor.Overview(image, plan) is not { } overview) return;
            if (plan.Grid.Count > 0 || !markers.OverviewMarkedOnlyWithTiles) Array.ForEach(markers.OverviewStart, Token);
            Pixels(overview);
            Array.ForEach(markers.OverviewEnd, Token);
        }

        void Tiles()
        {
            Token(markers.TilesStart);
            for (int i = 0; i < plan.Grid.Count; i++)
            {
                (int row, int column) = (i / plan.Grid.Columns, i % plan.Grid.Columns);
                Token(markers.TileStart);
                Text(markers.Label?.Invoke(row + 1, column + 1));
                Pixels(preprocessor.Tile(image, plan, row, column));
                Token(markers.TileEnd);
                if (column == plan.Grid.Columns - 1 && row < plan.Grid.Rows - 1) Token(markers.RowEnd);
            }

            Token(markers.TilesEnd);
        }
    }
}

/// <summary>One element of the sequence that stands for a picture in the prompt.</summary>
public abstract record ImagePiece
{
    private ImagePiece()
    {
    }

    /// <summary>Text that goes through the tokenizer, special tokens included.</summary>
    /// <param name="Value">The text.</param>
    public sealed record MarkerText(string Value) : ImagePiece;

    /// <summary>A single token of the vocabulary.</summary>
    /// <param name="Value">Its text.</param>
    public sealed record MarkerToken(string Value) : ImagePiece;

    /// <summary>Pixels to be encoded.</summary>
    /// <param name="Tile">The overview or a tile.</param>
    public sealed record Pixels(ImageTile Tile) : ImagePiece;
}
