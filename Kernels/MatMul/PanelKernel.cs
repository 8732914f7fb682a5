using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using TinyMllm.Kernels.Quantization;
using TinyMllm.Kernels.Simd;

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

    /// <summary>What the compensation has to take off: the format's zero point, less what the leaf takes off itself.</summary>
    public int ZeroPoint { get; private init; }

    /// <summary>True if compensations are pairs of 16-bit integers.</summary>
    public bool PairedSums { get; private init; }

    /// <summary>Values per scale.</summary>
    public int BlockLength { get; private init; }

    /// <summary>True if <see cref="PanelArguments.ScaledSums"/> are needed.</summary>
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
        TensorType.Q6_K => Integer<PanelQ6_K, SixBitUnit>(type, isa),
        TensorType.IQ4_NL => Integer<PanelIQ4_NL>(type, isa),
        TensorType.IQ4_XS => Integer<PanelIQ4_XS>(type, isa),
        TensorType.MXFP4 => Integer<PanelMXFP4>(type, isa),
        _ => null,
    };

    /// <summary>Bytes of one panel of 16 rows with <paramref name="inputs"/> values each, a multiple of the type's block length.</summary>
    public long PanelBytes(int inputs) => ((long)inputs / UnitLength * UnitBytes + Panel.Alignment - 1) & -Panel.Alignment;

    /// <summary>Packs up to 16 rows into a panel.</summary>
    /// <param name="rows">First row, in the file's layout.</param>
    /// <param name="rowBytes">Bytes from one row to the next.</param>
    /// <param name="count">1 … 16; missing rows become zeros.</param>
    /// <param name="inputs">Values per row.</param>
    /// <param name="panel">Target of <see cref="PanelBytes"/> bytes.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Pack(byte* rows, long rowBytes, int count, int inputs, byte* panel)
    {
        if (count < Panel.Outputs) new Span<byte>(panel, checked((int)PanelBytes(inputs))).Clear();
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
            16 when InstructionSets.HasAvx512 => &FloatPanelProduct<TElement, Float32x16>.Run,
            8 when InstructionSets.HasAvx2 => &FloatPanelProduct<TElement, Float32x8x2>.Run,
            _ => &FloatPanelProduct<TElement, Float32x4x4>.Run,
        };
        return new PanelKernel(type, 1, Panel.Outputs * bytes, packRow, run) { Isa = isa };
    }

    private static PanelKernel Integer<TFormat>(TensorType type, Isa isa)
        where TFormat : struct, IPanelFormat => Integer<TFormat, BlockByBlock<TFormat>>(type, isa);

    /// <summary>
    /// The table of leaves. By the largest weight byte: up to 31 (4 and 5 bits), where a block's sum fits 16 bits; up to 127 (6 bits); up to 255.
    /// </summary>
    private static PanelKernel Integer<TFormat, TUnit>(TensorType type, Isa isa)
        where TFormat : struct, IPanelFormat
        where TUnit : struct, IUnitProduct
    {
        bool small = TFormat.Largest <= 31, signed = TFormat.Largest <= 127;
        return InstructionSets.Require(isa) switch
        {
#if NET11_0_OR_GREATER
            Isa.Avx512Vnni512 when InstructionSets.HasAvx512Vnni512 =>
                small ? Of512<TFormat, TUnit, Int16Dot512>(type, isa) : Of512<TFormat, TUnit, Dot512<VnniProduct512>>(type, isa),
#endif
            Isa.Avx512Vnni when InstructionSets.HasAvx512Vnni =>
                small ? Of512<TFormat, TUnit, Int16Dot512>(type, isa) : Of<TFormat, TUnit, VnniDot256x2, UInt8x32x2, Float32x16>(type, isa),
            Isa.Avx512 when InstructionSets.HasAvx512 =>
                small ? Of512<TFormat, TUnit, Int16Dot512>(type, isa)
                : signed ? Of512<TFormat, TUnit, Dot512<PairProduct512>>(type, isa)
                : Of512<TFormat, TUnit, Dot512<WideProduct512>>(type, isa),
            Isa.Avx2Vnni when InstructionSets.HasAvx2Vnni =>
                small ? Of256<TFormat, TUnit, Int16Dot256>(type, isa) : Of256<TFormat, TUnit, Dot256<VnniProduct256>>(type, isa),
            Isa.Avx2 when InstructionSets.HasAvx2 =>
                small ? Of256<TFormat, TUnit, Int16Dot256>(type, isa)
                : signed ? Of256<TFormat, TUnit, Dot256<PairProduct256>>(type, isa)
                : Of256<TFormat, TUnit, Dot256<SignProduct256>>(type, isa),
            Isa.AdvSimdDot when InstructionSets.HasAdvSimdDot =>
                signed ? Of128<TFormat, TUnit, SdotProduct<SevenBits>>(type, isa) : Of128<TFormat, TUnit, SdotProduct<EightBits>>(type, isa),
            Isa.AdvSimd when InstructionSets.HasAdvSimd =>
                signed ? Of128<TFormat, TUnit, AdvSimdProduct<SevenBits>>(type, isa) : Of128<TFormat, TUnit, AdvSimdProduct<EightBits>>(type, isa),
            Isa.Ssse3 when InstructionSets.HasSsse3 =>
                signed ? Of128<TFormat, TUnit, Ssse3Product<SevenBits>>(type, isa) : Of128<TFormat, TUnit, Ssse3Product<EightBits>>(type, isa),
            _ => signed ? Of128<TFormat, TUnit, PortableProduct<SevenBits>>(type, isa) : Of128<TFormat, TUnit, PortableProduct<EightBits>>(type, isa),
        };
    }

    private static PanelKernel Of512<TFormat, TUnit, TDot>(TensorType type, Isa isa)
        where TFormat : struct, IPanelFormat
        where TUnit : struct, IUnitProduct
        where TDot : unmanaged, IDotLanes<TDot, UInt8x64, Float32x16> => Of<TFormat, TUnit, TDot, UInt8x64, Float32x16>(type, isa);

    private static PanelKernel Of256<TFormat, TUnit, TDot>(TensorType type, Isa isa)
        where TFormat : struct, IPanelFormat
        where TUnit : struct, IUnitProduct
        where TDot : unmanaged, IDotLanes<TDot, UInt8x32x2, Float32x8x2> => Of<TFormat, TUnit, TDot, UInt8x32x2, Float32x8x2>(type, isa);

    private static PanelKernel Of128<TFormat, TUnit, TProduct>(TensorType type, Isa isa)
        where TFormat : struct, IPanelFormat
        where TUnit : struct, IUnitProduct
        where TProduct : struct, IByteProduct<Vector128<int>, Vector128<byte>, Vector128<sbyte>> =>
        Of<TFormat, TUnit, Dot128<TProduct>, UInt8x16x4, Float32x4x4>(type, isa);

    private static PanelKernel Of<TFormat, TUnit, TDot, TBytes, TFloats>(TensorType type, Isa isa)
        where TFormat : struct, IPanelFormat
        where TUnit : struct, IUnitProduct
        where TDot : unmanaged, IDotLanes<TDot, TBytes, TFloats>
        where TBytes : unmanaged, IByteLanes<TBytes>
        where TFloats : unmanaged, IFloatLanes<TFloats> =>
        new(type, TFormat.UnitLength, TFormat.UnitBytes, &TFormat.PackRow, &QuantizedPanelProduct<TFormat, TUnit, TDot, TBytes, TFloats>.Run)
        {
            Isa = isa,
            IsInteger = true,
            ZeroPoint = TFormat.ZeroPoint - TDot.ZeroPoint,
            PairedSums = TDot.PairedSums,
            BlockLength = TFormat.BlockLength,
            HasOffset = TFormat.HasOffset,
        };

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void PackSingle(byte* value, int row, byte* unit) => ((float*)unit)[row] = *(float*)value;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void PackHalf(byte* value, int row, byte* unit) => ((ushort*)unit)[row] = *(ushort*)value;
}
