using System.Runtime.CompilerServices;
using TinyMllm.Kernels.Simd;

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
    public static void RotateHalves(float* x, float* cos, float* sin, int pairs) => VectorLoop.Run(new Halves(x, x + pairs, cos, sin), pairs);

    /// <summary>Turns <paramref name="pairs"/> adjacent pairs (x[2p], x[2p + 1]) in place.</summary>
    /// <param name="x">2·<paramref name="pairs"/> features.</param>
    /// <param name="cos">Cosine per feature: c0 c0 c1 c1 …</param>
    /// <param name="sin">Signed sine per feature: −s0 s0 −s1 s1 …</param>
    /// <param name="pairs">Number of pairs.</param>
    public static void RotateAdjacent(float* x, float* cos, float* sin, int pairs)
    {
        // A lane needs its neighbour, so what remains is turned pair by pair.
        int whole = 2 * pairs / Isa.Current.Lanes * Isa.Current.Lanes;
        VectorLoop.Run(new Neighbours(x, cos, sin), whole);
        for (int i = whole; i < 2 * pairs; i += 2)
        {
            (float a, float b) = (x[i], x[i + 1]);
            x[i] = (a * cos[i]) + (b * sin[i]);
            x[i + 1] = (b * cos[i + 1]) + (a * sin[i + 1]);
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

    private readonly struct Halves(float* x, float* y, float* cos, float* sin) : IVectorBody
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void Invoke<T>(nint i)
            where T : unmanaged, IMathLanes<T>
        {
            T a = T.Load(x + i), b = T.Load(y + i), c = T.Load(cos + i), s = T.Load(sin + i);
            T.Store((a * c) - (b * s), x + i);
            T.Store((a * s) + (b * c), y + i);
        }
    }

    private readonly struct Neighbours(float* x, float* cos, float* sin) : IVectorBody
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void Invoke<T>(nint i)
            where T : unmanaged, IMathLanes<T>
        {
            T v = T.Load(x + i);
            T.Store((v * T.Load(cos + i)) + (T.SwapNeighbours(v) * T.Load(sin + i)), x + i);
        }
    }
}
