namespace TinyMllm.Kernels.Attention;

/// <summary>How cached keys and values are stored.</summary>
public enum KeyValueFormat
{
    /// <summary>Single precision.</summary>
    Single,

    /// <summary>Half precision.</summary>
    Half,

    /// <summary>Signed bytes with a half scale for every 32 values of a token's key or value.</summary>
    Int8,
}

/// <summary>
/// One attention layer by pointer. Keys lie in blocks of 16 tokens, transposed: [head][token / 16][dimension][token mod 16], so that 16 scores are one accumulator;
/// values lie as [head][token][dimension], so that 16 dimensions of the result are one.
/// </summary>
public unsafe struct AttentionArguments
{
    /// <summary>Query heads.</summary>
    public int Heads;

    /// <summary>Key and value heads.</summary>
    public int KvHeads;

    /// <summary>Values per query and key head.</summary>
    public int HeadSize;

    /// <summary>Values per value head.</summary>
    public int ValueSize;

    /// <summary>Factor of the scores.</summary>
    public float Scale;

    /// <summary>If positive, scores become cap·tanh(score/cap).</summary>
    public float SoftCap;

    /// <summary>Queries: row i, head h at Q + i·QStride + h·HeadSize.</summary>
    public float* Q;

    /// <summary>Floats from one query to the next.</summary>
    public long QStride;

    /// <summary>Number of queries.</summary>
    public int Queries;

    /// <summary>First key and key after the last one of every query.</summary>
    public int* Ranges;

    /// <summary>How keys and values are stored.</summary>
    public KeyValueFormat Format;

    /// <summary>Key blocks of head 0.</summary>
    public byte* Keys;

    /// <summary>Bytes from one head's key blocks to the next.</summary>
    public long KeyHeadBytes;

    /// <summary>Values of head 0.</summary>
    public byte* Values;

    /// <summary>Bytes from one head's values to the next.</summary>
    public long ValueHeadBytes;

    /// <summary>Bytes from one token's values to the next; readable up to the next multiple of 16 values.</summary>
    public long ValueRowBytes;

    /// <summary>Result: row i, head h at Output + i·OutputStride + h·ValueSize.</summary>
    public float* Output;

    /// <summary>Floats from one row of the result to the next.</summary>
    public long OutputStride;

    /// <summary>
    /// Null, or room for unfinished results when the keys of a row are split: [part][row][2 + padded value size], largest score, sum of exponentials, weighted values.
    /// </summary>
    public float* Partials;

    /// <summary>Rows of one part of <see cref="Partials"/>.</summary>
    public int PartialRows;

    /// <summary>Query heads per key head.</summary>
    public readonly int Group => Heads / KvHeads;

    /// <summary>Value size rounded up to whole vectors of 16.</summary>
    public readonly int PaddedValueSize => (ValueSize + 15) & ~15;

    /// <summary>Floats of one row of <see cref="Partials"/>.</summary>
    public readonly int PartialStride => PaddedValueSize + 16;
}
