using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;

namespace TinyMllm.Loaders.Gguf;

/// <summary>Serialises the header of a GGUF file, version 3, little-endian: the mirror of <see cref="GgufCursor"/>.</summary>
internal sealed class GgufHeaderWriter
{
    private readonly MemoryStream _bytes = new();

    /// <summary>The bytes so far.</summary>
    public ReadOnlyMemory<byte> Written => _bytes.GetBuffer().AsMemory(0, (int)_bytes.Length);

    /// <summary>Magic, version and counts.</summary>
    public void Start(int tensorCount, int keyCount)
    {
        UInt32(GgufHeader.Magic);
        UInt32(3);
        UInt64((ulong)tensorCount);
        UInt64((ulong)keyCount);
    }

    /// <summary>A key and its value.</summary>
    public void KeyValue(string key, GgufValue value)
    {
        Text(Encoding.UTF8.GetBytes(key));
        UInt32((uint)value.Type);
        if (value.Type == GgufValueType.Array)
        {
            UInt32((uint)value.ElementType);
            UInt64((ulong)value.Count);
        }

        Values(value);
    }

    /// <summary>A tensor info; <paramref name="offset"/> counts from the start of the data section.</summary>
    public void Tensor(string name, uint type, ReadOnlySpan<long> dimensions, long offset)
    {
        Text(Encoding.UTF8.GetBytes(name));
        UInt32((uint)dimensions.Length);
        foreach (long size in dimensions) UInt64((ulong)size);
        UInt32(type);
        UInt64((ulong)offset);
    }

    private void Values(GgufValue value)
    {
        switch (value.Value)
        {
            case byte[][] texts:
                foreach (byte[] text in texts) Text(text);
                break;
            case byte[] text when value.Type == GgufValueType.String: Text(text); break;
            case byte[] v: _bytes.Write(v); break;
            case sbyte[] v: Plain<sbyte>(v); break;
            case ushort[] v: Plain<ushort>(v); break;
            case short[] v: Plain<short>(v); break;
            case uint[] v: Plain<uint>(v); break;
            case int[] v: Plain<int>(v); break;
            case float[] v: Plain<float>(v); break;
            case bool[] v: Plain<bool>(v); break;
            case ulong[] v: Plain<ulong>(v); break;
            case long[] v: Plain<long>(v); break;
            case double[] v: Plain<double>(v); break;
            case byte v: Plain([v]); break;
            case sbyte v: Plain([v]); break;
            case ushort v: Plain([v]); break;
            case short v: Plain([v]); break;
            case uint v: Plain([v]); break;
            case int v: Plain([v]); break;
            case float v: Plain([v]); break;
            case bool v: Plain([v]); break;
            case ulong v: Plain([v]); break;
            case long v: Plain([v]); break;
            case double v: Plain([v]); break;
        }
    }

    private void Plain<T>(ReadOnlySpan<T> values)
        where T : unmanaged => _bytes.Write(MemoryMarshal.AsBytes(values));

    private void Text(ReadOnlySpan<byte> text)
    {
        UInt64((ulong)text.Length);
        _bytes.Write(text);
    }

    private void UInt32(uint value)
    {
        Span<byte> field = stackalloc byte[4];
        BinaryPrimitives.WriteUInt32LittleEndian(field, value);
        _bytes.Write(field);
    }

    private void UInt64(ulong value)
    {
        Span<byte> field = stackalloc byte[8];
        BinaryPrimitives.WriteUInt64LittleEndian(field, value);
        _bytes.Write(field);
    }
}
