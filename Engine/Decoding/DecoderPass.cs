namespace TinyMllm.Engine.Decoding;

/// <summary>
/// What all layers of a decoder share while one chunk of tokens passes through them: where it stands in the context, the rotary tables,
/// and which cells of the cache each token sees.
/// </summary>
internal readonly unsafe struct DecoderPass
{
    private readonly Matrix* _rotaryTables;
    private readonly KeyRange* _ranges;
    private readonly int* _positions;

    /// <summary>Describes a pass; the pointers belong to the workspace's current frame.</summary>
    /// <param name="workspace">Threads and scratch.</param>
    /// <param name="rows">Tokens in the chunk.</param>
    /// <param name="positions">Position of each token (its first axis).</param>
    /// <param name="rotaryTables">One table per rotary embedding of the model.</param>
    /// <param name="ranges">Per window of the model, one range per token.</param>
    public DecoderPass(Workspace workspace, int rows, int* positions, Matrix* rotaryTables, KeyRange* ranges)
    {
        Workspace = workspace;
        Rows = rows;
        _positions = positions;
        _rotaryTables = rotaryTables;
        _ranges = ranges;
    }

    /// <summary>Threads and scratch.</summary>
    public Workspace Workspace { get; }

    /// <summary>Tokens in the chunk.</summary>
    public int Rows { get; }

    /// <summary>Position of each token; the time axis where there are several.</summary>
    public ReadOnlySpan<int> Positions => new(_positions, Rows);

    /// <summary>Cosines and sines of rotary embedding <paramref name="slot"/>.</summary>
    public Matrix RotaryTable(int slot) => _rotaryTables[slot];

    /// <summary>Cells of the cache that each token sees through window <paramref name="slot"/>.</summary>
    public ReadOnlySpan<KeyRange> Ranges(int slot) => new(_ranges + ((long)slot * Rows), Rows);
}
