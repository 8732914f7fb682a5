namespace TinyMllm.Engine;

/// <summary>Element type of cached keys and values.</summary>
public enum KvType
{
    /// <summary>Half precision, the default.</summary>
    F16,

    /// <summary>Single precision.</summary>
    F32,

    /// <summary>Signed bytes in blocks of 32 with a scale.</summary>
    Q8_0,
}

/// <summary>Sizes of one layer of a cache; zero heads for a layer without keys and values.</summary>
/// <param name="Heads">Key and value heads.</param>
/// <param name="HeadSize">Values per key head.</param>
/// <param name="ValueSize">Values per value head.</param>
public readonly record struct KvLayerShape(int Heads, int HeadSize, int ValueSize);

/// <summary>Keys and values of the tokens seen so far, one <see cref="KvLayer"/> per decoder layer.</summary>
public sealed class KvCache : IDisposable
{
    private readonly KvLayer[] _layers;

    /// <summary>Creates an empty cache.</summary>
    /// <param name="layers">Shapes, in the decoder's order.</param>
    /// <param name="capacity">Most tokens it can hold.</param>
    /// <param name="type">How keys and values are stored.</param>
    public KvCache(ReadOnlySpan<KvLayerShape> layers, int capacity, KvType type = KvType.F16)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(capacity);
        Capacity = capacity;
        Type = type;
        _layers = new KvLayer[layers.Length];
        for (int i = 0; i < layers.Length; i++) _layers[i] = new KvLayer(this, layers[i]);
    }

    /// <summary>Most tokens it can hold.</summary>
    public int Capacity { get; }

    /// <summary>How keys and values are stored.</summary>
    public KvType Type { get; }

    /// <summary>Tokens held. A batch is appended to every layer first and then counted by <see cref="Advance"/>.</summary>
    public int Length { get; private set; }

    /// <summary>The layer with number <paramref name="index"/>.</summary>
    public KvLayer this[int index] => _layers[index];

    /// <summary>Counts <paramref name="tokens"/> appended tokens.</summary>
    public void Advance(int tokens)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(Length + tokens, Capacity);
        Length += tokens;
    }

    /// <summary>Forgets all but the first <paramref name="length"/> tokens.</summary>
    public void Truncate(int length)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan((uint)length, (uint)Length, nameof(length));
        Length = length;
    }

    /// <summary>Frees the memory.</summary>
    public void Dispose()
    {
        foreach (var layer in _layers) layer.Dispose();
    }
}

/// <summary>Keys and values of one layer.</summary>
public sealed unsafe class KvLayer : IDisposable
{
    private readonly KvCache _cache;
    private readonly NativeBuffer<float> _keys;
    private readonly NativeBuffer<float> _values;

    internal KvLayer(KvCache cache, KvLayerShape shape)
    {
        _cache = cache;
        Shape = shape;
        _keys = new NativeBuffer<float>((long)cache.Capacity * shape.Heads * shape.HeadSize);
        _values = new NativeBuffer<float>((long)cache.Capacity * shape.Heads * shape.ValueSize);
    }

    /// <summary>Heads and sizes.</summary>
    public KvLayerShape Shape { get; }

    /// <summary>Stores the keys and values of a batch behind the cache's present length.</summary>
    /// <param name="workspace">Threads and scratch.</param>
    /// <param name="k">[tokens, Heads·HeadSize], rotated.</param>
    /// <param name="v">[tokens, Heads·ValueSize].</param>
    public void Append(Workspace workspace, Matrix k, Matrix v)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(_cache.Length + k.Rows, _cache.Capacity);
        Round(k, Keys(_cache.Length + k.Rows).Slice(_cache.Length, k.Rows));
        Round(v, Values(_cache.Length + v.Rows).Slice(_cache.Length, v.Rows));
    }

    /// <summary>Frees the memory.</summary>
    public void Dispose()
    {
        _keys.Dispose();
        _values.Dispose();
    }

    internal Matrix Keys(int count) => new(_keys.Pointer, count, Shape.Heads * Shape.HeadSize);

    internal Matrix Values(int count) => new(_values.Pointer, count, Shape.Heads * Shape.ValueSize);

    private void Round(Matrix source, Matrix target)
    {
        source.CopyTo(target);
        if (_cache.Type == KvType.F32) return;
        for (int row = 0; row < target.Rows; row++)
            foreach (ref float value in target.RowSpan(row)) value = (float)(Half)value;
    }
}
