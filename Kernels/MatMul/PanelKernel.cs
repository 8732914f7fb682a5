using System.Runtime.CompilerServices;
using TinyMllm.Kernels.Formats;
using TinyMllm.Kernels.Quantization;
using TinyMllm.Kernels.Simd;

namespace TinyMllm.Kernels.MatMul;

/// <summary>
/// The matrix product of one weight format under one instruction set: how rows are packed into panels, and the kernel that multiplies them.
/// It is looked up once, by weight format and instruction set; the inner loops ask nothing.
/// </summary>
public sealed unsafe class PanelKernel
{
    /// <summary>The largest weight byte with which a block's sum fits 16 bits.</summary>
    internal const int LargestSmallWeight = 31;

    private readonly delegate*<PanelArguments*, int, int, void> _run;
    private delegate*<byte*, int, byte*, void> _packRow;

    private PanelKernel(TensorType type, int unitLength, int unitBytes, delegate*<PanelArguments*, int, int, void> run)
    {
        Type = type;
        UnitLength = unitLength;
        UnitBytes = unitBytes;
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
    public static PanelKernel? For(TensorType type, Isa isa) => Format.Find(type)?.Kernel(isa);

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

    /// <summary>The kernel of a format of plain floats.</summary>
    internal static PanelKernel Float<TFloat, TBits>(TensorType type, Isa isa)
        where TFloat : struct, IFloatElement
        where TBits : unmanaged
    {
        delegate*<PanelArguments*, int, int, void> run = InstructionSets.Require(isa).Lanes switch
        {
            16 when InstructionSets.HasAvx512 => &FloatPanelProduct<TFloat, Float32x16>.Run,
            8 when InstructionSets.HasAvx2 => &FloatPanelProduct<TFloat, Float32x8x2>.Run,
            _ => &FloatPanelProduct<TFloat, Float32x4x4>.Run,
        };
        return new PanelKernel(type, 1, Panel.Outputs * TFloat.Bytes, run) { Isa = isa, _packRow = &PackValue<TBits> };
    }

    /// <summary>The kernel of a format whose blocks are packed into panels of integers.</summary>
    internal static PanelKernel Integer<TBlock, TFormat, TUnit>(TensorType type, Isa isa)
        where TBlock : unmanaged
        where TFormat : struct, IPanelFormat<TBlock>
        where TUnit : struct, IUnitProduct
    {
        PanelKernel kernel = Integer<TFormat, TUnit>(type, isa);
        delegate*<TBlock*, int, byte*, void> packRow = &TFormat.PackRow;
        kernel._packRow = (delegate*<byte*, int, byte*, void>)packRow;
        return kernel;
    }

    /// <summary>
    /// The table of leaves. By the largest weight byte: up to 31 (4 and 5 bits), where a block's sum fits 16 bits; up to 127 (6 bits); up to 255.
    /// </summary>
    private static PanelKernel Integer<TFormat, TUnit>(TensorType type, Isa isa)
        where TFormat : struct, IPanelFormat
        where TUnit : struct, IUnitProduct
    {
        bool small = TFormat.Largest <= LargestSmallWeight, signed = TFormat.Largest <= 127;
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
                : OfPlanes<TFormat, TUnit, Dot512<WideProduct512>, Int16Dot512, UInt8x64, Float32x16>(type, isa),
            Isa.Avx2Vnni when InstructionSets.HasAvx2Vnni =>
                small ? Of256<TFormat, TUnit, Int16Dot256>(type, isa) : Of256<TFormat, TUnit, Dot256<VnniProduct256>>(type, isa),
            Isa.Avx2 when InstructionSets.HasAvx2 =>
                small ? Of256<TFormat, TUnit, Int16Dot256>(type, isa)
                : signed ? Of256<TFormat, TUnit, Dot256<PairProduct256>>(type, isa)
                : Of256<TFormat, TUnit, Dot256<SignProduct256>>(type, isa),
            Isa.AdvSimdDot when InstructionSets.HasAdvSimdDot =>
                signed ? Of128<TFormat, TUnit, SdotDot128<SevenBits>>(type, isa)
                : Of128<TFormat, TUnit, SdotDot128<EightBits>>(type, isa),
            Isa.AdvSimd when InstructionSets.HasAdvSimd =>
                signed ? Of128<TFormat, TUnit, Dot128<AdvSimdProduct<SevenBits>>>(type, isa) : Of128<TFormat, TUnit, Dot128<AdvSimdProduct<EightBits>>>(type, isa),
            Isa.Ssse3 when InstructionSets.HasSsse3 =>
                signed ? Of16Registers<TFormat, TUnit, Dot128<Ssse3Product<SevenBits>>>(type, isa) : Of16Registers<TFormat, TUnit, Dot128<Ssse3Product<EightBits>>>(type, isa),
            _ => signed ? Of16Registers<TFormat, TUnit, Dot128<PortableProduct<SevenBits>>>(type, isa) : Of16Registers<TFormat, TUnit, Dot128<PortableProduct<EightBits>>>(type, isa),
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

    private static PanelKernel Of128<TFormat, TUnit, TDot>(TensorType type, Isa isa)
        where TFormat : struct, IPanelFormat
        where TUnit : struct, IUnitProduct
        where TDot : unmanaged, IDotLanes<TDot, UInt8x16x4, Float32x4x4> => Of<TFormat, TUnit, TDot, UInt8x16x4, Float32x4x4>(type, isa);

    /// <summary>128-bit vectors where a quad takes four of 16 registers.</summary>
    private static PanelKernel Of16Registers<TFormat, TUnit, TDot>(TensorType type, Isa isa)
        where TFormat : struct, IPanelFormat
        where TUnit : struct, IUnitProduct
        where TDot : unmanaged, IDotLanes<TDot, UInt8x16x4, Float32x4x4> =>
        TUnit.IsUnrolled ? Of128<TFormat, QuadByQuad<TFormat>, TDot>(type, isa) : Of128<TFormat, TUnit, TDot>(type, isa);

    private static PanelKernel Of<TFormat, TUnit, TDot, TBytes, TFloats>(TensorType type, Isa isa)
        where TFormat : struct, IPanelFormat
        where TUnit : struct, IUnitProduct
        where TDot : unmanaged, IDotLanes<TDot, TBytes, TFloats>
        where TBytes : unmanaged, IByteLanes<TBytes>
        where TFloats : unmanaged, IFloatLanes<TFloats> =>
        Describe<TFormat, TDot, TBytes, TFloats>(type, isa, &QuantizedPanelProduct<TFormat, TUnit, TDot, TBytes, TFloats>.Run);

    /// <summary>One row by <typeparamref name="TDot"/>, tiles by two planes of <typeparamref name="TPlane"/>.</summary>
    private static PanelKernel OfPlanes<TFormat, TUnit, TDot, TPlane, TBytes, TFloats>(TensorType type, Isa isa)
        where TFormat : struct, IPanelFormat
        where TUnit : struct, IUnitProduct
        where TDot : unmanaged, IDotLanes<TDot, TBytes, TFloats>
        where TPlane : unmanaged, IDotLanes<TPlane, TBytes, TFloats>
        where TBytes : unmanaged, IByteLanes<TBytes>
        where TFloats : unmanaged, IFloatLanes<TFloats> =>
        Describe<TFormat, TDot, TBytes, TFloats>(type, isa, &QuantizedPanelProduct<TFormat, TUnit, TDot, TBytes, TFloats>.RunPlanes<TPlane>);

    private static PanelKernel Describe<TFormat, TDot, TBytes, TFloats>(TensorType type, Isa isa, delegate*<PanelArguments*, int, int, void> run)
        where TFormat : struct, IPanelFormat
        where TDot : unmanaged, IDotLanes<TDot, TBytes, TFloats>
        where TBytes : unmanaged, IByteLanes<TBytes>
        where TFloats : unmanaged, IFloatLanes<TFloats> =>
        new(type, TFormat.UnitLength, TFormat.UnitBytes, run)
        {
            Isa = isa,
            IsInteger = true,
            ZeroPoint = TFormat.ZeroPoint - TDot.ZeroPoint,
            PairedSums = TDot.PairedSums,
            BlockLength = TFormat.BlockLength,
            HasOffset = TFormat.HasOffset,
        };

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void PackValue<TBits>(byte* value, int row, byte* unit)
        where TBits : unmanaged => ((TBits*)unit)[row] = *(TBits*)value;
}
