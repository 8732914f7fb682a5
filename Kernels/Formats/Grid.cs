namespace TinyMllm.Kernels.Formats;

/// <summary>
/// A list of points that stand for groups of 4 or 8 weights: an index of 8 to 11 bits chooses a point, where each weight by itself would
/// need more. Each coordinate is one of a few levels, and the points are the ones that weights were found to lie nearest to.
/// </summary>
/// <remarks>
/// The formats list their points in ascending order of Σ coordinate·levelsⁱ, so that a list is written down by the gaps between neighbours,
/// a byte each; the first gap is the first point's distance from zero. The bytes are in base 64.
/// </remarks>
internal sealed class Grid
{
    private readonly byte[] _coordinates;
    private readonly int _dimension;

    /// <summary>Takes the list apart.</summary>
    /// <param name="dimension">Weights per point.</param>
    /// <param name="levels">Levels of a coordinate.</param>
    /// <param name="unit">What the gaps count: 2 where the numbers of all points are even.</param>
    /// <param name="gaps">The gaps.</param>
    public Grid(int dimension, int levels, int unit, string gaps)
    {
        byte[] list = Convert.FromBase64String(gaps);
        (_dimension, _coordinates) = (dimension, new byte[list.Length * dimension]);
        int number = 0;
        for (int p = 0; p < list.Length; p++)
        {
            number += unit * list[p];
            for (int i = 0, rest = number; i < dimension; i++, rest /= levels) _coordinates[(p * dimension) + i] = (byte)(rest % levels);
        }
    }

    /// <summary>Number of points.</summary>
    public int Count => _coordinates.Length / _dimension;

    /// <summary>The coordinates of a point, 0 … levels − 1 each.</summary>
    public ReadOnlySpan<byte> this[int index] => _coordinates.AsSpan(index * _dimension, _dimension);

    /// <summary>
    /// Codes of magnitudes with their signs, in ascending order of what they stand for: 8 + m for the magnitude of index m, 7 − m for its
    /// negative.
    /// </summary>
    /// <param name="index">The point whose coordinates are magnitudes.</param>
    /// <param name="signs">Bit i is set if weight i is negative.</param>
    /// <param name="codes">One code per weight.</param>
    public void Signed(int index, int signs, Span<byte> codes)
    {
        ReadOnlySpan<byte> magnitudes = this[index];
        for (int i = 0; i < magnitudes.Length; i++) codes[i] = (byte)(((signs >> i) & 1) != 0 ? 7 - magnitudes[i] : 8 + magnitudes[i]);
    }

    /// <summary>Eight signs of which seven are stored: the number of negative ones is even.</summary>
    public static int EvenSigns(int seven) => seven | ((System.Numerics.BitOperations.PopCount((uint)seven) & 1) << 7);
}
