using System.Runtime.CompilerServices;
using TinyMllm.Kernels.Quantization;

namespace TinyMllm.Kernels.MatMul;

/// <summary>
/// The matrix product of one weight format under one instruction set: how rows are packed into panels, and the kernel that multiplies them.
/// It is looked up once, by weight format and instruction set; the inner loops ask nothing.
/// </summary>
public sealed unsafe class PanelKernel
{
    private readonly delegate*<PanelArguments*, int, int, void> _run;
    private readonly delegate*<byte*, int, byte*, void> _packRow;

    private PanelKernel(TensorType type, int unitLength, int unitBytes, delegate*<byte*, int, byte*, void> packRow, delegate*<PanelArguments*, int, int, void> run)
    {
        Type = type;
        UnitLength = unitLength;
        UnitBytes = unitBytes;
        _packRow = packRow;
        _run = run;
    }

    /// <summary>The weight format.</summary>
    public TensorType Type { get; }

    /// <summary>True if x is needed as <see cref="QuantizedRows"/>, false if as floats.</summary>
    public bool IsInteger { get; private init; }

    /// <summary>What the start values have to take off: the format's zero, less what the leaf subtracts itself.</summary>
    public int Zero { get; private init; }

    /// <summary>True if start values are pairs of 16-bit integers.</summary>
    public bool PairedStarts { get; private init; }

    /// <summary>Values per scale.</summary>
    public int BlockLength { get; private init; }

    /// <summary>True if <see cref="PanelArguments.Sums"/> are needed.</summary>
    public bool HasOffset { get; private init; }

    private int UnitLength { get; }

    private int UnitBytes { get; }

    /// <summary>The instruction set that runs.</summary>
    public Isa Isa { get; private init; }

    /// <summary>The kernel for weights of <paramref name="type"/> under <c>Isa.Current</c>, or null if they can only be used after decoding to F32.</summary>
    public static PanelKernel? For(TensorType type) => For(type, Isa.Current);

    /// <summary>The kernel for weights of <paramref name="type"/> under the instruction set <paramref name="isa"/>, or null if they can only be used after decoding to F32.</summary>
    /// <exception cref="UnsupportedIsaException">This machine cannot run the set.</exception>
    public static PanelKernel? For(TensorType type, Isa isa) => type switch
    {
        TensorType.F32 => Float<SingleElement>(type, isa, 4, &PackSingle),
        TensorType.F16 => Float<HalfElement>(type, isa, 2, &PackHalf),
        TensorType.BF16 => Float<BFloatElement>(type, isa, 2, &PackHalf),
        TensorType.Q4_0 => Integer<PanelQ4_0>(type, isa),
        TensorType.Q4_1 => Integer<PanelQ4_1>(type, isa),
        TensorType.Q5_0 => Integer<PanelQ5_0>(type, isa),
        TensorType.Q5_1 => Integer<PanelQ5_1>(type, isa),
        TensorType.Q8_0 => Integer<PanelQ8_0>(type, isa),
        TensorType.Q2_K => Integer<PanelQ2_K>(type, isa),
        TensorType.Q3_K => Integer<PanelQ3_K>(type, isa),
        TensorType.Q4_K => Integer<PanelQ4_K>(type, isa),
        TensorType.Q5_K => Integer<PanelQ5_K>(type, isa),
        TensorType.Q6_K => Integer<PanelQ6_K>(type, isa),
        TensorType.IQ4_NL => Integer<PanelIQ4_NL>(type, isa),
        TensorType.IQ4_XS => Integer<PanelIQ4_XS>(type, isa),
        TensorType.MXFP4 => Integer<PanelMXFP4>(type, isa),
        _ => null,
    };

    /// <summary>Bytes of one panel of 16 rows with <paramref name="inputs"/> values each, a multiple of the type's block length.</summary>
    public long PanelBytes(int inputs) => ((long)inputs / UnitLength * UnitBytes + 63) & -64;

    /// <summary>Packs up to 16 rows into a panel.</summary>
    /// <param name="rows">First row, in the file's layout.</param>
    /// <param name="rowBytes">Bytes from one row to the next.</param>
    /// <param name="count">1 … 16; missing rows become zeros.</param>
    /// <param name="inputs">Values per row.</param>
    /// <param name="panel">Target of <see cref="PanelBytes"/> bytes.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Pack(byte* rows, long rowBytes, int count, int inputs, byte* panel)
    {
        if (count < 16) new Span<byte>(panel, checked((int)PanelBytes(inputs))).Clear();
        long blockBytes = Type.ByteCount(UnitLength);
        for (int k = 0; k < inputs; k += UnitLength, panel += UnitBytes, rows += blockBytes)
            for (int r = 0; r < count; r++) _packRow(rows + (r * rowBytes), r, panel);
    }

    /// <summary>Computes <paramref name="count"/> panels from <paramref name="first"/> on.</summary>
    public void Run(PanelArguments* arguments, int first, int count) => _run(arguments, first, count);

    private static PanelKernel Float<TElement>(TensorType type, Isa isa, int bytes, delegate*<byte*, int, byte*, void> packRow)
        where TElement : struct, IFloatElement
    {
        delegate*<PanelArguments*, int, int, void> run = InstructionSets.Require(isa).Lanes switch
        {
            16 when InstructionSets.HasAvx512 => &FloatPanelProduct<TElement, Rows512>.Run,
            8 when InstructionSets.HasAvx2 => &FloatPanelProduct<TElement, Rows256>.Run,
            _ => &FloatPanelProduct<TElement, Rows128>.Run,
        };
        return new PanelKernel(type, 1, 16 * bytes, packRow, run) { Isa = isa };
    }

    /// <summary>
    /// The table of leaves. By the largest weight byte: up to 31 (4 and 5 bits), where a block's sum fits 16 bits; up to 127 (6 bits); up to 255.
    /// </summary>
    private static PanelKernel Integer<TFormat>(TensorType type, Isa isa)
        where TFormat : struct, IPanelFormat
    {
        bool small = TFormat.Largest <= 31, signed = TFormat.Largest <= 127;
        switch (InstructionSets.Require(isa))
        {
#if NET11_0_OR_GREATER
            case Isa.Avx512Vnni512 when InstructionSets.HasAvx512Vnni512:
                return small ? Integer<TFormat, Int16Dot512, Bytes512, Rows512>(type, isa) : Integer<TFormat, WideVnniDot512, Bytes512, Rows512>(type, isa);
#endif
            case Isa.Avx512Vnni when InstructionSets.HasAvx512Vnni:
                return small ? Integer<TFormat, Int16Dot512, Bytes512, Rows512>(type, isa) : Integer<TFormat, VnniDot512, Bytes256, Rows512>(type, isa);
            case Isa.Avx512 when InstructionSets.HasAvx512:
                return small ? Integer<TFormat, Int16Dot512, Bytes512, Rows512>(type, isa)
                    : signed ? Integer<TFormat, PairDot512, Bytes512, Rows512>(type, isa) : Integer<TFormat, WideDot512, Bytes512, Rows512>(type, isa);
            case Isa.Avx2Vnni when InstructionSets.HasAvx2Vnni:
                return small ? Integer<TFormat, Int16Dot256, Bytes256, Rows256>(type, isa) : Integer<TFormat, VnniDot256, Bytes256, Rows256>(type, isa);
            case Isa.Avx2 when InstructionSets.HasAvx2:
                return small ? Integer<TFormat, Int16Dot256, Bytes256, Rows256>(type, isa)
                    : signed ? Integer<TFormat, PairDot256, Bytes256, Rows256>(type, isa) : Integer<TFormat, SignDot256, Bytes256, Rows256>(type, isa);
            case Isa.AdvSimdDot when InstructionSets.HasAdvSimdDot:
                return signed ? Integer<TFormat, Dot128<SdotProduct<SevenBits>>, Bytes128, Rows128>(type, isa)
                    : Integer<TFormat, Dot128<SdotProduct<EightBits>>, Bytes128, Rows128>(type, isa);
            case Isa.AdvSimd when InstructionSets.HasAdvSimd:
                return signed ? Integer<TFormat, Dot128<AdvSimdProduct<SevenBits>>, Bytes128, Rows128>(type, isa)
                    : Integer<TFormat, Dot128<AdvSimdProduct<EightBits>>, Bytes128, Rows128>(type, isa);
            case Isa.Ssse3 when InstructionSets.HasSsse3:
                return signed ? Integer<TFormat, Dot128<Ssse3Product<SevenBits>>, Bytes128, Rows128>(type, isa)
                    : Integer<TFormat, Dot128<Ssse3Product<EightBits>>, Bytes128, Rows128>(type, isa);
            default:
                return signed ? Integer<TFormat, Dot128<PortableProduct<SevenBits>>, Bytes128, Rows128>(type, isa)
                    : Integer<TFormat, Dot128<PortableProduct<EightBits>>, Bytes128, Rows128>(type, isa);
        }
    }

    private static PanelKernel Integer<TFormat, TDot, TBytes, TRows>(TensorType type, Isa isa)
        where TFormat : struct, IPanelFormat
        where TDot : unmanaged, IDotLanes<TDot, TBytes, TRows>
        where TBytes : unmanaged, IByteLanes<TBytes>
        where TRows : unmanaged, IRowLanes<TRows> =>
        new(type, TFormat.UnitLength, TFormat.UnitBytes, &TFormat.PackRow, &QuantizedPanelProduct<TFormat, TDot, TBytes, TRows>.Run)
        {
            Isa = isa,
            IsInteger = true,
            Zero = TFormat.Zero - TDot.Bias,
            PairedStarts = TDot.PairedSums,
            BlockLength = TFormat.BlockLength,
            HasOffset = TFormat.HasOffset,
        };

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void PackSingle(byte* value, int row, byte* unit) => ((float*)unit)[row] = *(float*)value;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void PackHalf(byte* value, int row, byte* unit) => ((ushort*)unit)[row] = *(ushort*)value;
}
