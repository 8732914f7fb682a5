using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace TinyMllm.Kernels;

/// <summary>
/// Rotary position embedding (RoFormer, arXiv:2104.09864): turns pairs of features of one head by angles that grow with the position.
/// </summary>
/// <remarks>
/// For pair p with angle α: (a, b) → (a·cos α − b·sin α, a·sin α + b·cos α).
/// Which two features are a pair is the only difference between the model families:
/// <code>
/// adjacent     x0 x1 | x2 x3 | x4 x5 | x6 x7         pair p = (2p, 2p + 1)
/// half split   x0 x1 x2 x3 | x4 x5 x6 x7             pair p = (p, p + n)
/// </code>
/// The cosines and sines come from a table that the caller fills once per position and uses for every head of every layer. Half split
/// needs no shuffle; adjacent pairs exchange neighbours and read a table in which every value stands twice, the sine with the sign of its
/// lane.
/// </remarks>
public static unsafe class Rotary
{
    /// <summary>Turns <paramref name="pairs"/> half-split pairs (x[p], x[p + pairs]) in place.</summary>
    /// <param name="x">2·<paramref name="pairs"/> features.</param>
    /// <param name="cos">Cosine per pair.</param>
    /// <param name="sin">Sine per pair.</param>
    /// <param name="pairs">Number of pairs.</param>
    public static void RotateHalves(float* x, float* cos, float* sin, int pairs)
    {
        float* y = x + pairs;
        int p = 0;
        for (; p <= pairs - Vector256<float>.Count; p += Vector256<float>.Count)
        {
            var a = Vector256.Load(x + p);
            var b = Vector256.Load(y + p);
            var c = Vector256.Load(cos + p);
            var s = Vector256.Load(sin + p);
            (a * c - b * s).Store(x + p);
            (a * s + b * c).Store(y + p);
        }

        for (; p < pairs; p++)
        {
            (float a, float b) = (x[p], y[p]);
            x[p] = a * cos[p] - b * sin[p];
            y[p] = a * sin[p] + b * cos[p];
        }
    }

    /// <summary>Turns <paramref name="pairs"/> adjacent pairs (x[2p], x[2p + 1]) in place.</summary>
    /// <param name="x">2·<paramref name="pairs"/> features.</param>
    /// <param name="cos">Cosine per feature: c0 c0 c1 c1 …</param>
    /// <param name="sin">Signed sine per feature: −s0 s0 −s1 s1 …</param>
    /// <param name="pairs">Number of pairs.</param>
    public static void RotateAdjacent(float* x, float* cos, float* sin, int pairs)
    {
        int i = 0, count = 2 * pairs;
        for (; i <= count - Vector256<float>.Count; i += Vector256<float>.Count)
        {
            var v = Vector256.Load(x + i);
            (v * Vector256.Load(cos + i) + SwapNeighbours(v) * Vector256.Load(sin + i)).Store(x + i);
        }

        for (; i < count; i += 2)
        {
            (float a, float b) = (x[i], x[i + 1]);
            x[i] = a * cos[i] + b * sin[i];
            x[i + 1] = b * cos[i + 1] + a * sin[i + 1];
        }
    }

    /// <summary>
    /// The plain form of both: pair p is (x[p·<paramref name="step"/>], x[p·<paramref name="step"/> + <paramref name="distance"/>]).
    /// </summary>
    /// <param name="x">Features of one head.</param>
    /// <param name="angles">Angle per pair, radians.</param>
    /// <param name="step">1 for half split, 2 for adjacent pairs.</param>
    /// <param name="distance">Number of pairs for half split, 1 for adjacent pairs.</param>
    public static void RotateScalar(Span<float> x, ReadOnlySpan<float> angles, int step, int distance)
    {
        for (int p = 0; p < angles.Length; p++)
        {
            (float sin, float cos) = MathF.SinCos(angles[p]);
            (float a, float b) = (x[p * step], x[p * step + distance]);
            x[p * step] = a * cos - b * sin;
            x[p * step + distance] = a * sin + b * cos;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> SwapNeighbours(Vector256<float> v) =>
        Vector256.Shuffle(v, Vector256.Create(1, 0, 3, 2, 5, 4, 7, 6));
}
