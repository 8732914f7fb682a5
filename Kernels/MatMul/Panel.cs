namespace TinyMllm.Kernels.MatMul;

/// <summary>The words and numbers of the matrix products. <see cref="QuantizedTile{TFormat, TDot, TBytes, TFloats}"/> has the pictures and the formula.</summary>
/// <remarks>
/// <list type="table">
/// <item><term>panel</term><description>16 outputs of W, all k.</description></item>
/// <item><term>quad</term><description>Four consecutive k: what an instruction multiplies and adds to one sum.</description></item>
/// <item><term>part</term><description>32 consecutive k, eight quads: x has one scale per part.</description></item>
/// <item><term>block</term><description>16 or 32 consecutive k of one output, which share a scale.</description></item>
/// <item><term>unit</term><description>What repeats along k in a packed panel: 32 or 256 values of each output with their scales.</description></item>
/// <item><term>zero point</term><description>The q that stands for zero.</description></item>
/// <item><term>compensation</term><description>What takes the zero point off a sum of unsigned q: the value that the sum starts from.</description></item>
/// <item><term>tile</term><description>Rows × panels whose sums stay in registers while k runs.</description></item>
/// </list>
/// </remarks>
internal static class Panel
{
    /// <summary>Outputs of a panel.</summary>
    public const int Outputs = 16;

    /// <summary>k of a quad.</summary>
    public const int Quad = 4;

    /// <summary>Bytes of a quad of all outputs.</summary>
    public const int QuadBytes = Outputs * Quad;

    /// <summary>k of a part: the block of activations.</summary>
    public const int Part = QuantizedRows.BlockLength;

    /// <summary>k of half a part: the shorter of the two lengths of blocks.</summary>
    public const int HalfPart = Part / 2;

    /// <summary>Quads of a part.</summary>
    public const int PartQuads = Part / Quad;

    /// <summary>Bytes of a part of all outputs.</summary>
    public const int PartBytes = PartQuads * QuadBytes;

    /// <summary>Rows from which a product is worth unpacking a panel for.</summary>
    public const int ManyRows = 4;

    /// <summary>Bytes that vectors and panels are aligned to.</summary>
    public const int Alignment = 64;
}
