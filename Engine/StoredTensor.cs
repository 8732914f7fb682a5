using TinyMllm.Kernels.Quantization;

namespace TinyMllm.Engine;

/// <summary>
/// A tensor as it lies in a model file: a view of mapped memory that the file owns.
/// Dimensions are in GGUF order: <c>Dimensions[0]</c> is the contiguous one, the number of inputs of a linear layer.
/// </summary>
public unsafe class StoredTensor
{
    private readonly byte* _data;
    private long _invalidBlock = long.MaxValue;

    /// <summary>Describes the tensor at <paramref name="data"/>.</summary>
    /// <param name="name">Name in the file, such as <c>blk.0.attn_q.weight</c>.</param>
    /// <param name="type">Element type.</param>
    /// <param name="dimensions">One to four sizes, contiguous one first.</param>
    /// <param name="data">First byte; must stay valid as long as the tensor is used.</param>
    public StoredTensor(string name, TensorType type, long[] dimensions, byte* data)
    {
        Name = name;
        Type = type;
        Dimensions = dimensions;
        _data = data;
    }

    /// <summary>Name in the file.</summary>
    public string Name { get; }

    /// <summary>Element type.</summary>
    public TensorType Type { get; }

    /// <summary>Sizes, contiguous dimension first; missing trailing ones are 1.</summary>
    public IReadOnlyList<long> Dimensions { get; }

    /// <summary>First byte of the data. A mapped tensor maps itself when this is first asked for; valid until <see cref="Release"/>.</summary>
    public virtual byte* Data => _data;

    /// <summary>Keeps the data where it is until the result is disposed, though another thread releases the tensor meanwhile.</summary>
    internal virtual TensorPin Pin() => new(Data, null);

    /// <summary>
    /// Says that the data is not needed for now (it was repacked into another order, say), so that its mapped pages may go.
    /// Pointers from <see cref="Data"/> are invalid afterwards, so nobody may be reading; asking for <see cref="Data"/> again maps the tensor anew.
    /// </summary>
    public virtual void Release()
    {
    }

    /// <summary>Size of dimension <paramref name="index"/>, 1 beyond the stored ones.</summary>
    public int Dimension(int index) => index < Dimensions.Count ? checked((int)Dimensions[index]) : 1;

    /// <summary>Number of values.</summary>
    public long ElementCount
    {
        get
        {
            long count = 1;
            for (int i = 0; i < Dimensions.Count; i++) count *= Dimensions[i];
            return count;
        }
    }

    /// <summary>Size of the data in bytes.</summary>
    public long ByteCount => Type.ByteCount(ElementCount);

    /// <summary>Values per row, <c>Dimensions[0]</c>.</summary>
    public int Columns => Dimension(0);

    /// <summary>Number of rows: the product of all dimensions but the first.</summary>
    public int Rows => checked((int)(Columns == 0 ? 0 : ElementCount / Columns));

    /// <summary>Bytes of one row.</summary>
    public long RowBytes => Type.ByteCount(Columns);

    /// <summary>
    /// First block (value, for plain types) with NaN or an infinite number among those that were read so far; −1 if there is none. Layers
    /// look at what they read when they are made.
    /// </summary>
    internal long InvalidBlock => Interlocked.Read(ref _invalidBlock) is var block and < long.MaxValue ? block : -1;

    /// <summary>Blocks of one row.</summary>
    internal long BlocksPerRow => Columns / Type.BlockLength();

    /// <summary>Looks for NaN and infinite numbers in rows that are about to be used.</summary>
    /// <param name="rows">The rows' bytes, one row after the other.</param>
    /// <param name="first">Number of the first one.</param>
    /// <param name="count">How many.</param>
    internal void CheckRows(byte* rows, int first, int count)
    {
        int rowBytes = checked((int)RowBytes);
        for (int i = 0; i < count; i++, rows += rowBytes)
        {
            long block = RowValidation.FirstInvalidBlock(Type, new ReadOnlySpan<byte>(rows, rowBytes));
            if (block < 0) continue;
            NoteInvalid(((first + i) * BlocksPerRow) + block);
            return;
        }
    }

    /// <summary>Remembers a block with NaN or an infinite number.</summary>
    internal virtual void NoteInvalid(long block)
    {
        long known = Interlocked.Read(ref _invalidBlock);
        while (block < known)
        {
            long seen = Interlocked.CompareExchange(ref _invalidBlock, block, known);
            if (seen == known) return;
            known = seen;
        }
    }

    /// <inheritdoc/>
    public override string ToString() => $"{Name} {Type} [{string.Join(", ", Dimensions)}]";
}
