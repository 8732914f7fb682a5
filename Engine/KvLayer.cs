using System.Runtime.InteropServices;
using TinyMllm.Kernels.Attention;

namespace TinyMllm.Engine;

/// <summary>Keys and values of one layer, laid out for <see cref="Attention"/>, or its recurrent state.</summary>
public sealed unsafe class KvLayer : IDisposable
{
    /// <summary>Bytes that go to or come from a stream at once.</summary>
    private const int MaxTransfer = 1 << 24;

    private readonly KvCache _cache;
    private readonly KeyValueFormat _format;
    private readonly long _keyHeadBytes, _valueRowBytes;
    private readonly NativeBuffer<byte> _keys;
    private readonly NativeBuffer<byte> _values;
    private readonly NativeBuffer<float> _state;

    internal KvLayer(KvCache cache, KvLayerShape shape)
    {
        _cache = cache;
        Shape = shape;
        _format = cache.Type switch { KvType.F32 => KeyValueFormat.Single, KvType.F16 => KeyValueFormat.Half, _ => KeyValueFormat.Int8 };
        _keyHeadBytes = (cache.Capacity + AttentionTile.KeyBlock - 1) / AttentionTile.KeyBlock * KeyValueBlocks.KeyBlockBytes(_format, shape.HeadSize);
        _valueRowBytes = KeyValueBlocks.ValueRowBytes(_format, shape.ValueSize);
        _keys = new NativeBuffer<byte>(_keyHeadBytes * shape.Heads);
        try
        {
            _values = new NativeBuffer<byte>(_valueRowBytes * cache.Capacity * shape.Heads);
            _state = new NativeBuffer<float>(shape.StateSize, clear: true);
        }
        catch
        {
            _keys.Dispose();
            _values?.Dispose();
            throw;
        }
    }

    /// <summary>Heads and sizes.</summary>
    public KvLayerShape Shape { get; }

    /// <summary>The recurrent state, zero before the first token; empty for layers without.</summary>
    /// <exception cref="ObjectDisposedException">The cache was disposed.</exception>
    public Span<float> State => _state.Span;

    /// <summary>Most tokens the layer can hold.</summary>
    internal int Capacity => _cache.Capacity;

    /// <summary>Where the kernels find keys and values.</summary>
    internal AttentionArguments Arguments => new()
    {
        Format = _format,
        Keys = _keys.Pointer,
        KeyHeadBytes = _keyHeadBytes,
        Values = _values.Pointer,
        ValueHeadBytes = _valueRowBytes * _cache.Capacity,
        ValueRowBytes = _valueRowBytes,
    };

    /// <summary>Stores the keys and values of a batch behind the cache's present length.</summary>
    /// <param name="workspace">Threads and scratch.</param>
    /// <param name="k">[tokens, Heads·HeadSize], rotated.</param>
    /// <param name="v">[tokens, Heads·ValueSize].</param>
    public void Append(Workspace workspace, Matrix k, Matrix v)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(_cache.Length + k.Rows, _cache.Capacity);
        if (k.Columns != Shape.Heads * Shape.HeadSize || v.Columns != Shape.Heads * Shape.ValueSize || v.Rows != k.Rows)
            throw new ArgumentException($"keys {k.Rows}×{k.Columns} and values {v.Rows}×{v.Columns} do not fit {Shape}");
        var shape = new AttentionShape(Shape.Heads, Shape.Heads, Shape.HeadSize, Shape.ValueSize, 1);
        Attention.Store(workspace, Arguments, shape, k, v, _cache.Length);
    }

    /// <summary>Frees the memory.</summary>
    public void Dispose()
    {
        _keys.Dispose();
        _values.Dispose();
        _state.Dispose();
    }

    internal void CopyTo(KvLayer target, int tokens)
    {
        long keyBytes = KeyBytes(tokens);
        long valueBytes = tokens * _valueRowBytes;
        for (int head = 0; head < Shape.Heads; head++)
        {
            Buffer.MemoryCopy(_keys.Pointer + (head * _keyHeadBytes), target._keys.Pointer + (head * target._keyHeadBytes), keyBytes, keyBytes);
            Buffer.MemoryCopy(_values.Pointer + (head * _valueRowBytes * Capacity), target._values.Pointer + (head * _valueRowBytes * target.Capacity), valueBytes, valueBytes);
        }

        State.CopyTo(target.State);
    }

    internal void Save(Stream stream, int tokens)
    {
        for (int head = 0; head < Shape.Heads; head++)
        {
            // Lanes of the last block without a token hold whatever was in memory before: they leave as zeros.
            int whole = tokens / AttentionTile.KeyBlock * AttentionTile.KeyBlock;
            byte* keys = _keys.Pointer + (head * _keyHeadBytes);
            Write(stream, keys, KeyBytes(whole));
            if (tokens > whole) stream.Write(LastKeyBlock(keys + KeyBytes(whole), tokens - whole));
            Write(stream, _values.Pointer + (head * _valueRowBytes * Capacity), tokens * _valueRowBytes);
        }

        stream.Write(MemoryMarshal.AsBytes(State));
    }

    internal void Load(Stream stream, int tokens)
    {
        for (int head = 0; head < Shape.Heads; head++)
        {
            Read(stream, _keys.Pointer + (head * _keyHeadBytes), KeyBytes(tokens));
            Read(stream, _values.Pointer + (head * _valueRowBytes * Capacity), tokens * _valueRowBytes);
        }

        stream.ReadExactly(MemoryMarshal.AsBytes(State));
    }

    private long KeyBytes(int tokens) =>
        (tokens + AttentionTile.KeyBlock - 1) / AttentionTile.KeyBlock * KeyValueBlocks.KeyBlockBytes(_format, Shape.HeadSize);

    /// <summary>A block of keys of which the first <paramref name="tokens"/> lanes count.</summary>
    private byte[] LastKeyBlock(byte* source, int tokens)
    {
        byte[] block = new ReadOnlySpan<byte>(source, (int)KeyBytes(1)).ToArray();
        int laneBytes = _format switch { KeyValueFormat.Single => sizeof(float), KeyValueFormat.Half => sizeof(ushort), _ => sizeof(byte) };
        int rows = AttentionTile.KeyBlock * laneBytes * Shape.HeadSize, scaleBytes = block.Length - rows;
        ClearLanes(block.AsSpan(0, scaleBytes), sizeof(ushort), tokens);
        ClearLanes(block.AsSpan(scaleBytes), laneBytes, tokens);
        return block;
    }

    private static void ClearLanes(Span<byte> rows, int laneBytes, int tokens)
    {
        int row = AttentionTile.KeyBlock * laneBytes;
        for (int start = 0; start < rows.Length; start += row) rows[(start + (tokens * laneBytes))..(start + row)].Clear();
    }

    private static void Write(Stream stream, byte* data, long bytes)
    {
        for (long at = 0; at < bytes; at += MaxTransfer) stream.Write(new ReadOnlySpan<byte>(data + at, (int)Math.Min(MaxTransfer, bytes - at)));
    }

    private static void Read(Stream stream, byte* data, long bytes)
    {
        for (long at = 0; at < bytes; at += MaxTransfer) stream.ReadExactly(new Span<byte>(data + at, (int)Math.Min(MaxTransfer, bytes - at)));
    }
}
