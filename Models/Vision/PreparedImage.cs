using TinyMllm.Vision.Families;
using TinyMllm.Vision.Preprocessing;
using TinyMllm.Vision.Prompting;

namespace TinyMllm.Vision;

/// <summary>A picture as one vision model reads it: markers, tiles and overview in the order of the prompt.</summary>
public sealed class PreparedImage
{
    private PreparedImage(List<ImagePiece> pieces) => Pieces = pieces;

    /// <summary>Everything that stands for the picture in the prompt.</summary>
    public IReadOnlyList<ImagePiece> Pieces { get; }

    /// <summary>The tiles (and the overview) to be encoded, in order.</summary>
    public IEnumerable<ImageTile> Tiles => Pieces.OfType<ImagePiece.Pixels>().Select(piece => piece.Value);

    /// <summary>Embeddings that the tiles give together; markers not counted.</summary>
    public int TokenCount => Pieces.OfType<ImagePiece.Pixels>().Sum(piece => piece.Tokens.Count);

    internal static PreparedImage Arrange(VisionFamily family, PreparedPixels pixels)
    {
        ImageMarkers markers = family.Markers;
        List<ImagePiece> pieces = [];
        Text(markers.Begin);
        if (markers.OverviewFirst) Overview();
        if (pixels.Tiles.Count > 0) Tiles();
        if (!markers.OverviewFirst) Overview();
        Text(markers.End);
        return new PreparedImage(pieces);

        void Text(string? text)
        {
            if (!string.IsNullOrEmpty(text)) pieces.Add(new ImagePiece.MarkerText(text));
        }

        void Token(string? token)
        {
            if (token is not null) pieces.Add(new ImagePiece.MarkerToken(token));
        }

        void Pixels(ImageTile tile) => pieces.Add(new ImagePiece.Pixels(tile, family.Tokens(tile.Size)));

        void Overview()
        {
            if (pixels.Overview is null) return;
            if (pixels.Tiles.Count > 0 || !markers.OverviewMarkedOnlyWithTiles) Array.ForEach(markers.OverviewStart, Token);
            Pixels(pixels.Overview);
            Array.ForEach(markers.OverviewEnd, Token);
        }

        void Tiles()
        {
            Token(markers.TilesStart);
            for (int i = 0; i < pixels.Tiles.Count; i++)
            {
                (int row, int column) = (i / pixels.Grid.Columns, i % pixels.Grid.Columns);
                Token(markers.TileStart);
                Text(markers.Label?.Invoke(row + 1, column + 1));
                Pixels(pixels.Tiles[i]);
                Token(markers.TileEnd);
                if (column == pixels.Grid.Columns - 1 && row < pixels.Grid.Rows - 1) Token(markers.RowEnd);
            }

            Token(markers.TilesEnd);
        }
    }
}
