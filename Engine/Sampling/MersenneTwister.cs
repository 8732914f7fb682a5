using System.Numerics;

namespace TinyMllm.Engine.Sampling;

/// <summary>
/// mt19937 (Matsumoto and Nishimura 1998) with the draws that libstdc++ makes from it, so that a seed gives the same text
/// as a C++ program built with that library.
/// </summary>
internal sealed class MersenneTwister
{
    private const int Size = 624, Middle = 397;
    private readonly uint[] _state = new uint[Size];
    private int _next;

    public MersenneTwister(uint seed) => Seed(seed);

    /// <summary>Single-word initialisation of the standard.</summary>
    public void Seed(uint seed)
    {
        _state[0] = seed;
        for (uint i = 1; i < Size; i++)
            _state[i] = 1812433253u * (_state[i - 1] ^ (_state[i - 1] >> 30)) + i;
        _next = Size;
    }

    /// <summary>The next 32 bits.</summary>
    public uint NextUInt32()
    {
        if (_next == Size) Twist();
        uint y = _state[_next++];
        y ^= y >> 11;
        y ^= (y << 7) & 0x9D2C5680u;
        y ^= (y << 15) & 0xEFC60000u;
        return y ^ (y >> 18);
    }

    /// <summary>Uniform in [0, 1) from two outputs, low word first.</summary>
    public double NextDouble()
    {
        double low = NextUInt32(), high = NextUInt32();
        double value = (low + high * 4294967296.0) / 18446744073709551616.0;
        return value < 1 ? value : BitDecrement(1.0);
    }

    /// <summary>Uniform in [0, 1) from one output.</summary>
    public float NextSingle()
    {
        float value = NextUInt32() / 4294967296f;
        return value < 1 ? value : BitDecrement(1f);
    }

    /// <summary>
    /// Index drawn with the given weights, as <c>std::discrete_distribution</c> does it: weights normalised in double, running sums,
    /// the first sum not below the draw. A single weight is taken without a draw.
    /// </summary>
    public int NextIndex(ReadOnlySpan<float> weights)
    {
        if (weights.Length < 2) return 0;
        double total = 0;
        foreach (float weight in weights) total += weight;
        double draw = NextDouble(), sum = 0;
        for (int i = 0; i < weights.Length - 1; i++)
        {
            sum += weights[i] / total;
            if (sum >= draw && weights[i] > 0) return i;
        }

        return weights.Length - 1;
    }

    private static T BitDecrement<T>(T value) where T : IFloatingPointIeee754<T> => T.BitDecrement(value);

    private void Twist()
    {
        for (int i = 0; i < Size; i++)
        {
            uint y = (_state[i] & 0x80000000u) | (_state[(i + 1) % Size] & 0x7FFFFFFFu);
            _state[i] = _state[(i + Middle) % Size] ^ (y >> 1) ^ ((y & 1) * 0x9908B0DFu);
        }

        _next = 0;
    }
}
