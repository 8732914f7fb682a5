using TinyMllm.Engine;

namespace TinyMllm.Vision.Transformer;

/// <summary>What the blocks of an encoder share about one picture: which keys each element sees, and the angles of its position.</summary>
internal sealed class Sequence
{
    private readonly KeyRange[] _full;

    private Sequence(KeyRange[] full, Matrix rotaryTable) => (_full, RotaryTable) = (full, rotaryTable);

    /// <summary>Cosines and sines, valid until the workspace's frame ends; empty without rotary embedding.</summary>
    public Matrix RotaryTable { get; }

    /// <summary>Key ranges of windowed blocks; null: all blocks see everything.</summary>
    public KeyRange[]? Windows { get; init; }

    /// <summary>Which blocks see everything nevertheless.</summary>
    public Func<int, bool>? IsFull { get; init; }

    /// <summary>The keys that each element sees in a block.</summary>
    public ReadOnlySpan<KeyRange> Ranges(int block) => Windows is null || (IsFull?.Invoke(block) ?? false) ? _full : Windows;

    /// <summary>A sequence in which every element sees all others.</summary>
    public static Sequence Create(Workspace workspace, PatchGrid grid, PatchOrder order, int extraElements, TransformerOptions options)
    {
        var full = new KeyRange[grid.Count + extraElements];
        KeyRange.Full(full, full.Length);
        return new Sequence(full, options.Rotary is { } rotary ? Angles(workspace, grid, order, rotary, options.RotaryColumnFirst) : default);
    }

    /// <summary>The same sequence with attention inside windows, except in blocks for which <paramref name="isFull"/> holds.</summary>
    public Sequence WithWindows(ReadOnlySpan<int> windowEnds, Func<int, bool> isFull) =>
        new(_full, RotaryTable) { Windows = WindowRanges(windowEnds), IsFull = isFull };

    /// <summary>One range per element of windows that end at <paramref name="windowEnds"/>.</summary>
    public static KeyRange[] WindowRanges(ReadOnlySpan<int> windowEnds)
    {
        var ranges = new KeyRange[windowEnds.IsEmpty ? 0 : windowEnds[^1]];
        int start = 0;
        foreach (int end in windowEnds)
        {
            ranges.AsSpan(start, end - start).Fill(new KeyRange(start, end));
            start = end;
        }

        return ranges;
    }

    private static Matrix Angles(Workspace workspace, PatchGrid grid, PatchOrder order, RotaryEmbedding rotary, bool columnFirst)
    {
        var positions = new int[2 * grid.Count];
        for (int i = 0; i < grid.Count; i++)
        {
            int raster = order.Raster[i];
            positions[i + (columnFirst ? grid.Count : 0)] = raster / grid.Columns;
            positions[i + (columnFirst ? 0 : grid.Count)] = raster % grid.Columns;
        }

        return rotary.Prepare(workspace, positions, grid.Count);
    }
}
