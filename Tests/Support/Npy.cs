using System.Runtime.InteropServices;
using System.Text;
using System.Text.RegularExpressions;

namespace TinyMllm.Tests.Support;

/// <summary>Reads NumPy's .npy files of the goldens.</summary>
public sealed partial class Npy
{
    private Npy(int[] shape, byte[] data, string type) => (Shape, Data, Type) = (shape, data, type);

    public int[] Shape { get; }

    public byte[] Data { get; }

    public string Type { get; }

    public float[] Floats => Type == "<f4"
        ? MemoryMarshal.Cast<byte, float>(Data).ToArray()
        : throw new InvalidDataException($"dtype {Type} is not float32");

    public static Npy Load(string path)
    {
        byte[] all = File.ReadAllBytes(path);
        int headerLength = all[6] == 1 ? BitConverter.ToUInt16(all, 8) : BitConverter.ToInt32(all, 8);
        int start = (all[6] == 1 ? 10 : 12) + headerLength;
        string header = Encoding.Latin1.GetString(all, 0, start);
        string type = TypePattern().Match(header).Groups[1].Value;
        int[] shape = [.. ShapePattern().Match(header).Groups[1].Value
            .Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries).Select(int.Parse)];
        return new Npy(shape, all[start..], type);
    }

    [GeneratedRegex(@"'descr':\s*'([^']+)'")]
    private static partial Regex TypePattern();

    [GeneratedRegex(@"'shape':\s*\(([^)]*)\)")]
    private static partial Regex ShapePattern();
}
