using System.Runtime.InteropServices;
using TinyMllm.Kernels.Quantization;
using TinyMllm.Loaders.Gguf;

namespace TinyMllm.Tests.Gguf;

/// <summary>Small files made in memory.</summary>
internal static class GgufSamples
{
    /// <summary>One key, one tensor of two floats.</summary>
    public static GgufWriter Smallest()
    {
        var writer = new GgufWriter();
        writer.Set("general.architecture", GgufValue.From("x"));
        writer.Add("t", TensorType.F32, [2], MemoryMarshal.AsBytes<float>([1, 2]).ToArray());
        return writer;
    }

    /// <summary>Every value type, alone and in an array; four tensors, one of them empty.</summary>
    public static GgufWriter Everything(uint alignment = 32)
    {
        var writer = new GgufWriter();
        writer.Set("general.architecture", GgufValue.From("x"));
        (GgufValueType Type, object Value, Array Array)[] plain =
        [
            (GgufValueType.UInt8, (byte)200, new byte[] { 1, 255 }),
            (GgufValueType.Int8, (sbyte)-5, new sbyte[] { 1, -128 }),
            (GgufValueType.UInt16, (ushort)60000, new ushort[] { 1, 65535 }),
            (GgufValueType.Int16, (short)-300, new short[] { 1, -32768 }),
            (GgufValueType.UInt32, 4000000000, new uint[] { 1, uint.MaxValue }),
            (GgufValueType.Int32, -70000, new[] { 1, int.MinValue }),
            (GgufValueType.Float32, 1.5f, new[] { 1f, float.Epsilon }),
            (GgufValueType.Bool, true, new[] { true, false }),
            (GgufValueType.UInt64, ulong.MaxValue, new ulong[] { 1, ulong.MaxValue }),
            (GgufValueType.Int64, long.MinValue, new[] { 1, long.MinValue }),
            (GgufValueType.Float64, 1e300, new[] { 1, double.Epsilon }),
        ];
        foreach (var (type, value, array) in plain)
        {
            writer.Set($"one.{type}", GgufValue.Scalar(type, value));
            writer.Set($"two.{type}", GgufValue.Array(type, array));
        }

        writer.Set("text", GgufValue.From("naïve 🦙"));
        writer.Set("texts", GgufValue.From(["", "a", "Ġthe"]));
        writer.Set("raw", GgufValue.From([[0xFF, 0x00], [], [0xE2, 0x82]]));
        writer.Set("none", GgufValue.From(Array.Empty<int>()));
        if (alignment != 32) writer.Set("general.alignment", GgufValue.From(alignment));

        writer.Add("a", TensorType.F32, [5], new byte[20]);
        writer.Add("nothing", TensorType.F32, [5, 0], Array.Empty<byte>());
        writer.Add("b.weight", TensorType.F16, [3, 2, 1], new byte[12]);
        writer.Add("c", TensorType.Q8_0, [32], Enumerable.Range(1, 34).Select(i => (byte)i).ToArray());
        return writer;
    }

    /// <summary>The bytes of a file.</summary>
    public static byte[] Bytes(this GgufWriter writer)
    {
        using var stream = new MemoryStream();
        writer.WriteTo(stream);
        return stream.ToArray();
    }
}
