using System.Numerics;
using TinyMllm.Kernels.MatMul;

namespace TinyMllm.Kernels.Formats;

/// <summary>A format that stores each value as a float of its own.</summary>
/// <typeparam name="TBits">The bits of a value as an integer.</typeparam>
internal interface IFloatFormat<TBits> : IFloatElement
    where TBits : unmanaged, IBinaryInteger<TBits>
{
    /// <summary>The exponent's bits: all of them are set in NaN and the infinities.</summary>
    static abstract TBits Exponent { get; }

    /// <summary>Widens as many values as <paramref name="values"/> holds.</summary>
    static abstract void Decode(ReadOnlySpan<TBits> stored, Span<float> values);

    /// <summary>Narrows all of <paramref name="values"/>, to the nearest, ties to even.</summary>
    static abstract void Encode(ReadOnlySpan<float> values, Span<TBits> stored);
}
