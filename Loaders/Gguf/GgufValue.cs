using System.Globalization;
using System.Text;

namespace TinyMllm.Loaders.Gguf;

/// <summary>
/// One metadata value as it stands in the file. Strings are kept as raw bytes, because the texts of tokens are not always UTF-8.
/// Read values through <see cref="GgufMetadata"/>, which forgives the differences between writers; this type is for tools and writers.
/// </summary>
public sealed class GgufValue
{
    private readonly object _value;

    private GgufValue(GgufValueType type, GgufValueType elementType, object value) =>
        (Type, ElementType, _value) = (type, elementType, value);

    /// <summary>Type of the value.</summary>
    public GgufValueType Type { get; }

    /// <summary>Type of the elements of an array; <see cref="Type"/> itself for anything else.</summary>
    public GgufValueType ElementType { get; }

    /// <summary>Number of elements of an array; 1 for anything else.</summary>
    public int Count => Type == GgufValueType.Array ? ((Array)_value).Length : 1;

    /// <summary>
    /// The value: the .NET number or <see cref="bool"/> of the same width, <c>byte[]</c> for a string, a typed array
    /// (<c>uint[]</c>, <c>float[]</c>, …, <c>byte[][]</c> for strings) for an array.
    /// </summary>
    public object Value => _value;

    /// <summary>A string, as UTF-8.</summary>
    public static GgufValue From(string value) => new(GgufValueType.String, GgufValueType.String, Encoding.UTF8.GetBytes(value));

    /// <summary>A flag.</summary>
    public static GgufValue From(bool value) => Scalar(GgufValueType.Bool, value);

    /// <summary>An unsigned 16-bit integer.</summary>
    public static GgufValue From(ushort value) => Scalar(GgufValueType.UInt16, value);

    /// <summary>An unsigned 32-bit integer, the usual type of sizes and ids.</summary>
    public static GgufValue From(uint value) => Scalar(GgufValueType.UInt32, value);

    /// <summary>A signed 32-bit integer.</summary>
    public static GgufValue From(int value) => Scalar(GgufValueType.Int32, value);

    /// <summary>An unsigned 64-bit integer.</summary>
    public static GgufValue From(ulong value) => Scalar(GgufValueType.UInt64, value);

    /// <summary>A 32-bit float.</summary>
    public static GgufValue From(float value) => Scalar(GgufValueType.Float32, value);

    /// <summary>An array of signed 32-bit integers.</summary>
    public static GgufValue From(int[] values) => Array(GgufValueType.Int32, values);

    /// <summary>An array of 32-bit floats.</summary>
    public static GgufValue From(float[] values) => Array(GgufValueType.Float32, values);

    /// <summary>An array of strings, as UTF-8.</summary>
    public static GgufValue From(IEnumerable<string> values) =>
        Array(GgufValueType.String, values.Select(Encoding.UTF8.GetBytes).ToArray());

    /// <summary>An array of strings given as raw bytes.</summary>
    public static GgufValue From(byte[][] values) => Array(GgufValueType.String, values);

    internal static GgufValue Scalar(GgufValueType type, object value) => new(type, type, value);

    internal static GgufValue Array(GgufValueType elementType, Array values) => new(GgufValueType.Array, elementType, values);

    /// <summary>Type and length in words, such as <c>UInt32</c> or <c>array of 3 Float32</c>.</summary>
    public string Describe() => Type == GgufValueType.Array ? $"array of {Count} {ElementType}" : Type.ToString();

    /// <summary>The value for people: strings decoded leniently, at most 8 elements of an array.</summary>
    public override string ToString()
    {
        if (Type != GgufValueType.Array) return Text(_value);
        var shown = ((Array)_value).Cast<object>().Take(8).Select(Text);
        return $"[{string.Join(", ", shown)}{(Count > 8 ? $", … {Count} in all" : "")}]";
    }

    private static string Text(object value) => value switch
    {
        byte[] bytes => Encoding.UTF8.GetString(bytes),
        bool flag => flag ? "true" : "false",
        IFormattable number => number.ToString(null, CultureInfo.InvariantCulture),
        _ => value.ToString() ?? "",
    };
}
