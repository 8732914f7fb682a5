using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using TinyMllm.Kernels.MatMul;
using TinyMllm.Kernels.Quantization;

namespace TinyMllm.Kernels.Formats;

/// <summary>
/// Which of a machine's peaks bounds products with a format; the leaves of <see cref="PanelKernel"/> are chosen by the same bound.
/// </summary>
internal enum PeakKind
{
    /// <summary>Float32 multiply-adds: plain floats, and what is decoded to them.</summary>
    Single,

    /// <summary>Weights of up to 5 bits, whose block sums fit 16 bits.</summary>
    Int4,

    /// <summary>Larger integers.</summary>
    Int8,
}

/// <summary>
/// A row of <see cref="Formats.All"/>: everything that the rest of the code asks of a format. What a row is made of, a block and a panel,
/// lies in the format's own file.
/// </summary>
internal sealed class Format
{
    private static readonly Format?[] ById = Index();

    private readonly DecodeAction _decode;
    private readonly EncodeAction? _encode, _encodePlainly;
    private readonly ValidateFunction _validate;
    private readonly Func<TensorType, Isa, PanelKernel>? _kernel;

    private Format(
        TensorType type, int blockLength, int blockBytes, DecodeAction decode, EncodeAction? encode, EncodeAction? encodePlainly,
        ValidateFunction validate, Func<TensorType, Isa, PanelKernel>? kernel)
    {
        (Type, BlockLength, BlockBytes) = (type, blockLength, blockBytes);
        (_decode, _encode, _encodePlainly, _validate, _kernel) = (decode, encode, encodePlainly, validate, kernel);
    }

    private delegate void DecodeAction(ReadOnlySpan<byte> blocks, Span<float> values);

    private delegate void EncodeAction(ReadOnlySpan<float> values, Span<byte> blocks);

    private delegate long ValidateFunction(ReadOnlySpan<byte> blocks);

    /// <summary>The id in files.</summary>
    public TensorType Type { get; }

    /// <summary>The name, as messages and the command line have it.</summary>
    public string Name => Type.ToString();

    /// <summary>Values per block; 1 for plain numbers.</summary>
    public int BlockLength { get; }

    /// <summary>Bytes per block.</summary>
    public int BlockBytes { get; }

    /// <summary>True if the values of a block share a scale.</summary>
    public bool IsQuantized => BlockLength > 1;

    /// <summary>True if this library writes it.</summary>
    public bool CanEncode => _encode is not null;

    /// <summary>True if matrices are multiplied as stored; the others are decoded to F32 when they are loaded.</summary>
    public bool HasKernel => _kernel is not null;

    /// <summary>True if the format can be made of floats when a model is loaded.</summary>
    public bool CanRequantize => CanEncode && HasKernel;

    /// <summary>The largest weight byte of the panel; 0 where floats are multiplied.</summary>
    public int Largest { get; private init; }

    /// <summary>The weight byte that stands for zero.</summary>
    public int ZeroPoint { get; private init; }

    /// <summary>The peak that bounds products.</summary>
    public PeakKind Peak => Largest == 0 ? PeakKind.Single : Largest <= PanelKernel.LargestSmallWeight ? PeakKind.Int4 : PeakKind.Int8;

    /// <summary>The row of <paramref name="type"/>, or null if that is not a type.</summary>
    public static Format? Find(TensorType type) => (uint)type < (uint)ById.Length ? ById[(int)type] : null;

    /// <summary>The row called <paramref name="name"/> in whatever case, or null.</summary>
    public static Format? Named(string name) =>
        Formats.All.FirstOrDefault(format => format.Name.Equals(name, StringComparison.OrdinalIgnoreCase));

    /// <summary>Decodes as many values as <paramref name="values"/> holds.</summary>
    public void Decode(ReadOnlySpan<byte> blocks, Span<float> values) => _decode(blocks, values);

    /// <summary>Encodes all of <paramref name="values"/>.</summary>
    /// <exception cref="UnsupportedTensorTypeException">Not <see cref="CanEncode"/>.</exception>
    public void Encode(ReadOnlySpan<float> values, Span<byte> blocks) => Required(_encode)(values, blocks);

    /// <summary>Encodes block after block as the format defines it, without the faster twin: the oracle of <see cref="Encode"/>.</summary>
    public void EncodePlainly(ReadOnlySpan<float> values, Span<byte> blocks) => Required(_encodePlainly)(values, blocks);

    /// <summary>Index of the first block that is not finite; −1 when all are.</summary>
    public long FirstInvalidBlock(ReadOnlySpan<byte> blocks) => _validate(blocks);

    /// <summary>The matrix product under <paramref name="isa"/>, or null if there is none.</summary>
    public PanelKernel? Kernel(Isa isa) => _kernel?.Invoke(Type, isa);

    /// <summary>A row of integers or doubles: read, but neither written nor multiplied.</summary>
    public static Format Number<T>(TensorType type)
        where T : unmanaged, INumberBase<T> => new(type, 1, Unsafe.SizeOf<T>(), DecodeNumbers<T>, null, null, FirstNotFinite<T>, null);

    /// <summary>A row of floats.</summary>
    public static Format Float<TFloat, TBits>(TensorType type)
        where TFloat : struct, IFloatFormat<TBits>
        where TBits : unmanaged, IBinaryInteger<TBits> =>
        new(type, 1, Unsafe.SizeOf<TBits>(), (blocks, values) => TFloat.Decode(MemoryMarshal.Cast<byte, TBits>(blocks), values),
            EncodeFloats<TFloat, TBits>, EncodeFloats<TFloat, TBits>, blocks => FirstWithExponent(blocks, TFloat.Exponent),
            PanelKernel.Float<TFloat, TBits>);

    /// <summary>A row of blocks that are written and read, but not multiplied.</summary>
    public static Format Encoded<TBlock>(TensorType type)
        where TBlock : unmanaged, IEncodableBlock<TBlock> =>
        new(type, TBlock.Length, Unsafe.SizeOf<TBlock>(), DecodeBlocks<TBlock>, EncodeBlocks<TBlock>, EncodePlainly<TBlock>,
            FirstInvalid<TBlock>, null);

    /// <summary>A row of blocks that are written, read and multiplied.</summary>
    public static Format Encoded<TBlock, TPanel>(TensorType type)
        where TBlock : unmanaged, IEncodableBlock<TBlock>
        where TPanel : struct, IPanelFormat<TBlock> => Encoded<TBlock, TPanel, BlockByBlock<TPanel>>(type);

    /// <summary>A row of blocks that are written, read and multiplied, one row of activations in a way of its own.</summary>
    public static Format Encoded<TBlock, TPanel, TUnit>(TensorType type)
        where TBlock : unmanaged, IEncodableBlock<TBlock>
        where TPanel : struct, IPanelFormat<TBlock>
        where TUnit : struct, IUnitProduct =>
        new(type, TBlock.Length, Unsafe.SizeOf<TBlock>(), DecodeBlocks<TBlock>, EncodeBlocks<TBlock>, EncodePlainly<TBlock>,
            FirstInvalid<TBlock>, PanelKernel.Integer<TBlock, TPanel, TUnit>)
        {
            Largest = TPanel.Largest,
            ZeroPoint = TPanel.ZeroPoint,
        };

    /// <summary>A row of blocks that are read and multiplied, but not written.</summary>
    public static Format Stored<TBlock, TPanel>(TensorType type)
        where TBlock : unmanaged, IQuantizedBlock<TBlock>
        where TPanel : struct, IPanelFormat<TBlock> =>
        new(type, TBlock.Length, Unsafe.SizeOf<TBlock>(), DecodeBlocks<TBlock>, null, null,
            FirstInvalid<TBlock>, PanelKernel.Integer<TBlock, TPanel, BlockByBlock<TPanel>>)
        {
            Largest = TPanel.Largest,
            ZeroPoint = TPanel.ZeroPoint,
        };

    /// <summary>Index of the first float, taken as an integer of its width, all of whose exponent bits are set; −1 if none.</summary>
    public static long FirstWithExponent<TBits>(ReadOnlySpan<byte> bytes, TBits exponent)
        where TBits : unmanaged, IBinaryInteger<TBits>
    {
        var values = MemoryMarshal.Cast<byte, TBits>(bytes);
        var mask = Vector256.Create(exponent);
        int i = 0;
        for (; i <= values.Length - Vector256<TBits>.Count; i += Vector256<TBits>.Count)
            if (Vector256.EqualsAny(Vector256.Create(values.Slice(i, Vector256<TBits>.Count)) & mask, mask)) break;
        for (; i < values.Length; i++)
            if ((values[i] & exponent) == exponent) return i;
        return -1;
    }

    private static void DecodeNumbers<T>(ReadOnlySpan<byte> bytes, Span<float> values)
        where T : unmanaged, INumberBase<T>
    {
        var source = MemoryMarshal.Cast<byte, T>(bytes);
        for (int i = 0; i < values.Length; i++) values[i] = float.CreateTruncating(source[i]);
    }

    private EncodeAction Required(EncodeAction? encode) => encode ?? throw new UnsupportedTensorTypeException(Type, "encode");

    private static long FirstNotFinite<T>(ReadOnlySpan<byte> bytes)
        where T : unmanaged, INumberBase<T>
    {
        var values = MemoryMarshal.Cast<byte, T>(bytes);
        for (int i = 0; i < values.Length; i++)
            if (!T.IsFinite(values[i])) return i;
        return -1;
    }

    private static void EncodeFloats<TFloat, TBits>(ReadOnlySpan<float> values, Span<byte> bytes)
        where TFloat : struct, IFloatFormat<TBits>
        where TBits : unmanaged, IBinaryInteger<TBits> => TFloat.Encode(values, MemoryMarshal.Cast<byte, TBits>(bytes));

    private static void DecodeBlocks<TBlock>(ReadOnlySpan<byte> bytes, Span<float> values)
        where TBlock : unmanaged, IQuantizedBlock<TBlock>
    {
        var blocks = MemoryMarshal.Cast<byte, TBlock>(bytes);
        for (int b = 0; b < values.Length / TBlock.Length; b++) blocks[b].Decode(values.Slice(b * TBlock.Length, TBlock.Length));
    }

    private static void EncodeBlocks<TBlock>(ReadOnlySpan<float> values, Span<byte> bytes)
        where TBlock : unmanaged, IEncodableBlock<TBlock> =>
        TBlock.EncodeRun(values, MemoryMarshal.Cast<byte, TBlock>(bytes)[..(values.Length / TBlock.Length)]);

    private static void EncodePlainly<TBlock>(ReadOnlySpan<float> values, Span<byte> bytes)
        where TBlock : unmanaged, IEncodableBlock<TBlock>
    {
        var blocks = MemoryMarshal.Cast<byte, TBlock>(bytes);
        for (int b = 0; b < values.Length / TBlock.Length; b++) TBlock.Encode(values.Slice(b * TBlock.Length, TBlock.Length), ref blocks[b]);
    }

    // Every weight goes through here once, when a model is loaded and nothing is compiled in its last form yet.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static long FirstInvalid<TBlock>(ReadOnlySpan<byte> bytes)
        where TBlock : unmanaged, IQuantizedBlock<TBlock>
    {
        // By reference: a copy of the block would cost more than the look at its scales.
        int count = bytes.Length / Unsafe.SizeOf<TBlock>();
        ref TBlock first = ref Unsafe.As<byte, TBlock>(ref MemoryMarshal.GetReference(bytes));
        for (int i = 0; i < count; i++)
            if (!Unsafe.Add(ref first, i).IsValid) return i;
        return -1;
    }

    private static Format?[] Index()
    {
        var rows = new Format?[Formats.All.Max(format => (int)format.Type) + 1];
        foreach (Format format in Formats.All) rows[(int)format.Type] = format;
        return rows;
    }
}
