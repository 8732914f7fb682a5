namespace TinyMllm.Engine.Decoding;

/// <summary>The part of a decoder block that carries information from token to token: attention, a convolution or a recurrence.</summary>
internal interface ITokenMixer
{
    /// <summary>What the layer keeps in the cache.</summary>
    KvLayerShape CacheShape { get; }

    /// <summary>y = mix(x), or y += mix(x) if <paramref name="add"/>; appends to the layer's cache.</summary>
    /// <param name="pass">Positions and scratch of this chunk.</param>
    /// <param name="cache">The layer's keys, values or state.</param>
    /// <param name="x">One row per token.</param>
    /// <param name="y">One row per token; must not overlap x.</param>
    /// <param name="add">Whether the result is added to what y holds.</param>
    void Forward(in DecoderPass pass, KvLayer cache, Matrix x, Matrix y, bool add);
}
