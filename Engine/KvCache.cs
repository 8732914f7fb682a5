using System.Text;

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
/// <param name="StateSize">Floats of recurrent state (convolutions, state spaces), whatever the number of tokens.</param>
public readonly record struct KvLayerShape(int Heads, int HeadSize, int ValueSize, int StateSize = 0);

/// <summary>
/// What a decoder remembers of the tokens seen so far, one <see cref="KvLayer"/> per layer: keys and values per token, or a recurrent state of fixed size.
/// A cache that is disposed while a decoder computes with it lives until that is over; every later use is an
/// <see cref="ObjectDisposedException"/>.
/// </summary>
public sealed class KvCache : IDisposable
{
    private readonly KvLayer[] _layers;
    private readonly Lifetime _lifetime;

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
        _lifetime = new Lifetime(this, Free);
        try
        {
            for (int i = 0; i < layers.Length; i++) _layers[i] = new KvLayer(this, layers[i]);
        }
        catch
        {
            Free();
            throw;
        }
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
        _lifetime.Check();
        ArgumentOutOfRangeException.ThrowIfGreaterThan(Length + tokens, Capacity);
        Length += tokens;
    }

    /// <summary>Whether a layer has a recurrent state. Such a cache cannot forget single tokens: take a <see cref="Snapshot"/> where you may want to return.</summary>
    public bool IsRecurrent
    {
        get
        {
            foreach (var layer in _layers)
                if (layer.Shape.StateSize > 0) return true;
            return false;
        }
    }

    /// <summary>Whether <see cref="Truncate"/> to <paramref name="length"/> is possible.</summary>
    public bool CanTruncate(int length) => length == Length || length == 0 || (length > 0 && length < Length && !IsRecurrent);

    /// <summary>Forgets all but the first <paramref name="length"/> tokens; 0 starts anew.</summary>
    /// <exception cref="InvalidOperationException">A recurrent state cannot go back to <paramref name="length"/>.</exception>
    public void Truncate(int length)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan((uint)length, (uint)Length, nameof(length));
        if (!CanTruncate(length)) throw new InvalidOperationException($"a recurrent state of {Length} tokens cannot go back to {length}: restore a snapshot");
        using var use = Use();
        Length = length;
        if (length > 0) return;
        foreach (var layer in _layers) layer.State.Clear();
    }

    /// <summary>
    /// Remembers the present length and recurrent states, so that <see cref="Restore"/> can return here after more tokens.
    /// Keys and values are not copied: they stay where they are.
    /// </summary>
    public KvSnapshot Snapshot()
    {
        using var use = Use();
        return new(Length, [.. _layers.Select(layer => layer.State.ToArray())]);
    }

    /// <summary>Returns to the length and states of <paramref name="snapshot"/>, taken from this cache or from one that it was copied to.</summary>
    /// <exception cref="ArgumentException">The cache is shorter than the snapshot or has other layers.</exception>
    public void Restore(KvSnapshot snapshot)
    {
        if (snapshot.Length > Length || snapshot.States.Length != _layers.Length)
            throw new ArgumentException($"a snapshot of {snapshot.Length} tokens does not belong to this cache of {Length}", nameof(snapshot));
        using var use = Use();
        for (int i = 0; i < _layers.Length; i++) snapshot.States[i].CopyTo(_layers[i].State);
        Length = snapshot.Length;
    }

    /// <summary>Replaces the contents of <paramref name="target"/>, a cache of the same shape and type, by those of this one (prefix reuse by another session).</summary>
    /// <exception cref="ArgumentException">The target has other layers or another type, or is too small.</exception>
    public void CopyTo(KvCache target)
    {
        if (target.Type != Type || target._layers.Length != _layers.Length || target.Capacity < Length)
            throw new ArgumentException($"cannot copy {Length} tokens of {_layers.Length} layers in {Type} to {target._layers.Length} layers in {target.Type} for {target.Capacity}", nameof(target));
        using var from = Use();
        using var to = target.Use();
        target.Length = Length;
        for (int i = 0; i < _layers.Length; i++) _layers[i].CopyTo(target._layers[i], Length);
    }

    /// <summary>Writes the tokens held, so that <see cref="Load"/> can bring them into a cache of the same shape and type, in another process too.</summary>
    /// <param name="stream">Written to synchronously.</param>
    public void Save(Stream stream)
    {
        ArgumentNullException.ThrowIfNull(stream);
        using var use = Use();
        using var writer = new BinaryWriter(stream, Encoding.UTF8, leaveOpen: true);
        writer.Write((int)Type);
        writer.Write(_layers.Length);
        writer.Write(Length);
        writer.Flush();
        foreach (var layer in _layers) layer.Save(stream, Length);
    }

    /// <summary>Replaces the contents by those that <see cref="Save"/> wrote.</summary>
    /// <param name="stream">Read synchronously, to the last byte of the cache and no further.</param>
    /// <exception cref="ArgumentException">The stream has a cache of another type or shape, or one that does not fit.</exception>
    /// <exception cref="EndOfStreamException">The stream ends early; the cache is empty then.</exception>
    public void Load(Stream stream)
    {
        ArgumentNullException.ThrowIfNull(stream);
        using var use = Use();
        Truncate(0);
        using var reader = new BinaryReader(stream, Encoding.UTF8, leaveOpen: true);
        int type = reader.ReadInt32(), layers = reader.ReadInt32(), length = reader.ReadInt32();
        if (type != (int)Type || layers != _layers.Length || length < 0 || length > Capacity)
            throw new ArgumentException($"the stream has a cache of {layers} layers in type {type} with {length} tokens, expected {_layers.Length} in type {(int)Type} with at most {Capacity}");
        try
        {
            foreach (var layer in _layers) layer.Load(stream, length);
            Length = length;
        }
        catch
        {
            foreach (var layer in _layers) layer.State.Clear();
            throw;
        }
    }

    /// <summary>Frees the memory, or has it freed when the decoder that computes with it is done.</summary>
    public void Dispose() => _lifetime.Dispose();

    /// <summary>Keeps the memory until the result is disposed.</summary>
    /// <exception cref="ObjectDisposedException">The cache was disposed.</exception>
    internal Lifetime.Usage Use() => _lifetime.Use();

    private void Free()
    {
        foreach (var layer in _layers) layer?.Dispose();
    }
}

/// <summary>A point that a cache can return to, see <see cref="KvCache.Snapshot"/>.</summary>
public sealed class KvSnapshot
{
    internal KvSnapshot(int length, float[][] states) => (Length, States) = (length, states);

    /// <summary>Tokens at that point.</summary>
    public int Length { get; }

    internal float[][] States { get; }
}
