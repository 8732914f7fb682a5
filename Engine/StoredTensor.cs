using TinyMllm.Kernels.Quantization;

namespace TinyMllm.Engine;

/// <summary>
/// A tensor as it lies in a model file: a view of mapped memory that the file owns.
/// Dimensions are in GGUF order: <c>Dimensions[0]</c> is the contiguous one, the number of inputs of a linear layer.
/// </summary>
public unsafe class StoredTensor
{
    private readonly byte* _data;

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

    /// <inheritdoc/>
    public override string ToString() => $"{Name} {Type} [{string.Join(", ", Dimensions)}]";
}
