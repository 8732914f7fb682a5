using TinyMllm.Kernels.Simd;

namespace TinyMllm.Kernels.MatMul;

/// <summary>
/// How a quantisation format lies in a panel of 16 weight rows. A panel is a sequence of units along k; a unit holds
/// <see cref="UnitLength"/> values of each of the 16 rows, in vectors of 64 bytes = 16 rows × 4 consecutive k; see <see cref="Panel"/>.
/// </summary>
/// <remarks>
/// A weight is <c>Scale·(q − ZeroPoint) + Offset</c> with q an unsigned byte. Formats with fewer bits keep them packed; <see cref="Quad"/> unpacks in registers.
/// The packing keeps the file's own order of nibbles and high bits inside a row wherever that order serves, so packing is mostly a transposition of 32-bit words. The formats themselves are in
/// <c>Kernels/Formats</c>.
/// </remarks>
internal unsafe interface IPanelFormat
{
    /// <summary>Values that share a scale: 16 or 32.</summary>
    static abstract int BlockLength { get; }

    /// <summary>Values per row in one unit: those of a block, a multiple of 32.</summary>
    static abstract int UnitLength { get; }

    /// <summary>Bytes of one unit, all 16 rows.</summary>
    static abstract int UnitBytes { get; }

    /// <summary>The unsigned q that stands for zero.</summary>
    static abstract int ZeroPoint { get; }

    /// <summary>The largest q; up to 31, with |q − ZeroPoint| ≤ 16, a block's sum fits 16 bits, up to 127 a byte is a signed one too.</summary>
    static abstract int Largest { get; }

    /// <summary>True if weights have an offset beside the scale.</summary>
    static abstract bool HasOffset { get; }

    /// <summary>The bytes q of values 4·<paramref name="quad"/> … + 3 of 32-value part <paramref name="part"/> of the unit.</summary>
    /// <param name="unit">First byte of the unit.</param>
    /// <param name="part">0 … UnitLength/32 − 1.</param>
    /// <param name="quad">0 … 7, a constant.</param>
    static abstract TBytes Quad<TBytes>(byte* unit, int part, int quad)
        where TBytes : unmanaged, IByteLanes<TBytes>;

    /// <summary>Scales of the 16 rows in block <paramref name="block"/> of the unit.</summary>
    static abstract TFloats Scale<TFloats>(byte* unit, int block)
        where TFloats : unmanaged, IFloatLanes<TFloats>;

    /// <summary>Offsets of the 16 rows in block <paramref name="block"/> of the unit.</summary>
    static abstract TFloats Offset<TFloats>(byte* unit, int block)
        where TFloats : unmanaged, IFloatLanes<TFloats>;
}

/// <summary>A panel's layout together with the block that it is packed from; a unit holds one block of each row.</summary>
/// <typeparam name="TBlock">The block as files hold it.</typeparam>
internal unsafe interface IPanelFormat<TBlock> : IPanelFormat
    where TBlock : unmanaged
{
    /// <summary>Writes one row's part of a unit.</summary>
    /// <param name="block">The row's block.</param>
    /// <param name="row">0 … 15.</param>
    /// <param name="unit">The unit, zeroed before the first row (a missing row decodes to zeros).</param>
    static abstract void PackRow(TBlock* block, int row, byte* unit);
}
