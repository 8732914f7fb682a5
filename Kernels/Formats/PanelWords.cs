using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace TinyMllm.Kernels.Formats;

/// <summary>
/// Bytes of a row that keep their order in a panel: word c of four bytes goes to vector c, which holds the words of all 16 rows. That is a
/// transposition, and all the packing that most quants need.
/// </summary>
internal static unsafe class PanelWords
{
    /// <summary>Writes the words of row <paramref name="row"/>.</summary>
    /// <param name="bytes">The row's bytes, four to a word.</param>
    /// <param name="row">0 … 15.</param>
    /// <param name="vectors">As many vectors of 64 bytes as there are words.</param>
    /// <param name="flip">Bits to turn over in every word.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Pack(ReadOnlySpan<byte> bytes, int row, byte* vectors, uint flip = 0)
    {
        var words = MemoryMarshal.Cast<byte, uint>(bytes);
        for (int c = 0; c < words.Length; c++) *(uint*)(vectors + (64 * c) + (4 * row)) = words[c] ^ flip;
    }
}
