namespace TinyMllm.Vision;

/// <summary>
/// What stands around a picture and its tiles in the prompt (docs/models/vision.md#markers). <see cref="Begin"/>,
/// <see cref="End"/> and the labels are texts that go through the tokenizer; the others are single tokens of the vocabulary, looked up by
/// their text.
/// </summary>
internal sealed record ImageMarkers
{
    /// <summary>Nothing around the picture.</summary>
    public static readonly ImageMarkers None = new();

    /// <summary>Text before everything.</summary>
    public string? Begin { get; init; }

    /// <summary>Text after everything.</summary>
    public string? End { get; init; }

    /// <summary>Whether the overview comes before the tiles.</summary>
    public bool OverviewFirst { get; init; }

    /// <summary>Tokens before the overview.</summary>
    public string[] OverviewStart { get; init; } = [];

    /// <summary>Tokens after the overview.</summary>
    public string[] OverviewEnd { get; init; } = [];

    /// <summary>Whether <see cref="OverviewStart"/> is left out when there are no tiles.</summary>
    public bool OverviewMarkedOnlyWithTiles { get; init; }

    /// <summary>Token before all tiles.</summary>
    public string? TilesStart { get; init; }

    /// <summary>Token after all tiles.</summary>
    public string? TilesEnd { get; init; }

    /// <summary>Token before a tile.</summary>
    public string? TileStart { get; init; }

    /// <summary>Token after a tile.</summary>
    public string? TileEnd { get; init; }

    /// <summary>Token after every row of tiles but the last.</summary>
    public string? RowEnd { get; init; }

    /// <summary>Text before the tile in a row and column, both counted from 1.</summary>
    public Func<int, int, string>? Label { get; init; }
}
