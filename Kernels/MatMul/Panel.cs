namespace TinyMllm.Kernels.MatMul;

/// <summary>The words and numbers of the matrix products, and how their data lie.</summary>
/// <remarks>
/// <para>A product is y[r, o] = Σ_k W[o, k]·x[r, k]: rows r of activations, outputs o, inputs k. W lies in panels of 16 outputs.</para>
/// <code>
/// one vector of a panel: 64 bytes = 16 outputs × 4 k                      one row of x
///
///   output 0        output 1              output 15                        k k+1 k+2 k+3
/// ┌───────────────┬───────────────┬─ … ─┬───────────────┐                ┌───┬───┬───┬───┐
/// │ k k+1 k+2 k+3 │ k k+1 k+2 k+3 │     │ k k+1 k+2 k+3 │   times        │ x │ x │ x │ x │   broadcast to all 16
/// └───────────────┴───────────────┴─ … ─┴───────────────┘                └───┴───┴───┴───┘
///   sum 0           sum 1                 sum 15              16 sums of 32 bits: lane o belongs to output o, nothing is added across lanes
/// </code>
/// <code>
/// W[o, k] = scale·(q − zero point) + offset        q an unsigned byte, or fewer bits of one
/// x[r, k] = scale of x · v                         v a signed byte, −127 … 127
///
/// y[r, o] = Σ over blocks:   scale · scale of x · (Σ q·v + compensation)   +   offset · scaled sum
///                            compensation = −zero point · Σ v                  scaled sum = scale of x · Σ v
/// </code>
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

    /// <summary>Quads of a part.</summary>
    public const int PartQuads = Part / Quad;

    /// <summary>Bytes of a part of all outputs.</summary>
    public const int PartBytes = PartQuads * QuadBytes;

    /// <summary>Rows from which a product is worth unpacking a panel for.</summary>
    public const int ManyRows = 4;

    /// <summary>Bytes that vectors and panels are aligned to.</summary>
    public const int Alignment = 64;
}
