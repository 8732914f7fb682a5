using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text;

namespace TinyMllm.Loaders.Gguf;

/// <summary>
/// The key-value part of a GGUF file. Writers differ in the types they choose, so the getters accept any integer type for an
/// integer (with a range check), integers and doubles for a float, 0 and 1 for a flag.
/// <para>
/// A getter without a default throws <see cref="GgufFormatException"/> when the key is absent; every getter throws it when the
/// value is of a kind that cannot be what was asked for.
/// </para>
/// </summary>
public sealed class GgufMetadata
{
    private readonly OrderedDictionary<string, GgufValue> _values;

    /// <summary>Metadata of the file at <paramref name="path"/>.</summary>
    internal GgufMetadata(string path, OrderedDictionary<string, GgufValue> values) => (Path, _values) = (path, values);

    /// <summary>Path of the file, for messages.</summary>
    public string Path { get; }

    /// <summary>Number of keys.</summary>
    public int Count => _values.Count;

    /// <summary>Keys with their values, in the order of the file.</summary>
    public IEnumerable<KeyValuePair<string, GgufValue>> Entries => _values;

    /// <summary>Is there a value for <paramref name="key"/>?</summary>
    public bool Contains(string key) => _values.ContainsKey(key);

    /// <summary>The raw value of <paramref name="key"/>.</summary>
    public bool TryGetValue(string key, [NotNullWhen(true)] out GgufValue? value) => _values.TryGetValue(key, out value);

    /// <summary>A text (UTF-8, decoded leniently).</summary>
    public string GetString(string key) => TryGetString(key, out string? value) ? value : throw Missing(key, "a string");

    /// <summary>A text, or <paramref name="absent"/> when there is no such key.</summary>
    [return: NotNullIfNotNull(nameof(absent))]
    public string? GetString(string key, string? absent) => TryGetString(key, out string? value) ? value : absent;

    /// <summary>A text; false when there is no such key.</summary>
    public bool TryGetString(string key, [NotNullWhen(true)] out string? value)
    {
        value = !_values.TryGetValue(key, out var stored) ? null
            : stored.Type == GgufValueType.String ? Encoding.UTF8.GetString((byte[])stored.Value)
            : throw Wrong(key, stored, "a string");
        return value is not null;
    }

    /// <summary>An integer of any stored width.</summary>
    public int GetInt32(string key) => TryGetInt32(key, out int value) ? value : throw Missing(key, "an integer");

    /// <summary>An integer, or <paramref name="absent"/> when there is no such key.</summary>
    public int GetInt32(string key, int absent) => TryGetInt32(key, out int value) ? value : absent;

    /// <summary>An integer; false when there is no such key.</summary>
    public bool TryGetInt32(string key, out int value) => TryGet(key, ToInt32, out value);

    /// <summary>An integer of any stored width; one of 64 bits without sign counts as at most the largest with sign.</summary>
    internal bool TryGetInt64(string key, out long value) => TryGet(key, ToInt64, out value);

    /// <summary>Integers of any stored width; false when there is no such key.</summary>
    internal bool TryGetInt64Array(string key, [NotNullWhen(true)] out long[]? values) => TryGetArray(key, ToInt64, out values);

    /// <summary>A number, stored as a float of either width or as an integer.</summary>
    public float GetSingle(string key) => TryGetSingle(key, out float value) ? value : throw Missing(key, "a number");

    /// <summary>A number, or <paramref name="absent"/> when there is no such key.</summary>
    public float GetSingle(string key, float absent) => TryGetSingle(key, out float value) ? value : absent;

    /// <summary>A number; false when there is no such key.</summary>
    public bool TryGetSingle(string key, out float value) => TryGet(key, ToSingle, out value);

    /// <summary>A flag, stored as a boolean or as an integer 0 or 1.</summary>
    public bool GetBoolean(string key) => TryGetBoolean(key, out bool value) ? value : throw Missing(key, "a flag");

    /// <summary>A flag, or <paramref name="absent"/> when there is no such key.</summary>
    public bool GetBoolean(string key, bool absent) => TryGetBoolean(key, out bool value) ? value : absent;

    /// <summary>A flag; false when there is no such key.</summary>
    public bool TryGetBoolean(string key, out bool value) => TryGet(key, ToBoolean, out value);

    /// <summary>Integers; a single stored integer gives an array of one.</summary>
    public int[] GetInt32Array(string key) => TryGetInt32Array(key, out var values) ? values : throw Missing(key, "an array of integers");

    /// <summary>Integers; false when there is no such key.</summary>
    public bool TryGetInt32Array(string key, [NotNullWhen(true)] out int[]? values) => TryGetArray(key, ToInt32, out values);

    /// <summary>Numbers; a single stored number gives an array of one.</summary>
    public float[] GetSingleArray(string key) => TryGetSingleArray(key, out var values) ? values : throw Missing(key, "an array of numbers");

    /// <summary>Numbers; false when there is no such key.</summary>
    public bool TryGetSingleArray(string key, [NotNullWhen(true)] out float[]? values) => TryGetArray(key, ToSingle, out values);

    /// <summary>Flags; a single stored flag gives an array of one.</summary>
    public bool[] GetBooleanArray(string key) => TryGetBooleanArray(key, out var values) ? values : throw Missing(key, "an array of flags");

    /// <summary>Flags; false when there is no such key.</summary>
    public bool TryGetBooleanArray(string key, [NotNullWhen(true)] out bool[]? values) => TryGetArray(key, ToBoolean, out values);

    /// <summary>
    /// One integer per layer: an array of at least <paramref name="layers"/> elements (the first ones count), or one integer for all.
    /// </summary>
    public int[] GetInt32PerLayer(string key, int layers) =>
        TryGetPerLayer(key, layers, ToInt32, out var values) ? values : throw Missing(key, "an integer or one per layer");

    /// <summary>One integer per layer; <paramref name="absent"/> for each when there is no such key.</summary>
    public int[] GetInt32PerLayer(string key, int layers, int absent) =>
        TryGetPerLayer(key, layers, ToInt32, out var values) ? values : Repeat(absent, layers);

    /// <summary>Texts (UTF-8, decoded leniently).</summary>
    public string[] GetStringArray(string key) => TryGetStringArray(key, out var values) ? values : throw Missing(key, "an array of strings");

    /// <summary>Texts; false when there is no such key.</summary>
    public bool TryGetStringArray(string key, [NotNullWhen(true)] out string[]? values)
    {
        values = TryGetUtf8Array(key, out byte[][]? raw) ? Array.ConvertAll(raw, Encoding.UTF8.GetString) : null;
        return values is not null;
    }

    /// <summary>
    /// The raw bytes of an array of strings, for texts that need not be valid UTF-8. The arrays are those of the file: do not
    /// change them.
    /// </summary>
    public byte[][] GetUtf8Array(string key) => TryGetUtf8Array(key, out var values) ? values : throw Missing(key, "an array of strings");

    /// <summary>The raw bytes of an array of strings; false when there is no such key.</summary>
    public bool TryGetUtf8Array(string key, [NotNullWhen(true)] out byte[][]? values)
    {
        values = !_values.TryGetValue(key, out var stored) ? null
            : stored.Value as byte[][] ?? throw Wrong(key, stored, "an array of strings");
        return values is not null;
    }

    /// <summary>The bytes of an array of UInt8 or Int8; false when there is no such key.</summary>
    public bool TryGetByteArray(string key, [NotNullWhen(true)] out byte[]? values)
    {
        values = null;
        if (!_values.TryGetValue(key, out var stored)) return false;
        values = stored switch
        {
            { Type: GgufValueType.Array, ElementType: GgufValueType.UInt8 } => (byte[])stored.Value,
            { Type: GgufValueType.Array, ElementType: GgufValueType.Int8 } => Array.ConvertAll((sbyte[])stored.Value, b => (byte)b),
            _ => throw Wrong(key, stored, "an array of bytes"),
        };
        return true;
    }

    /// <summary>The exception for a key that is absent.</summary>
    /// <param name="key">The key.</param>
    /// <param name="expected">What it should hold.</param>
    public GgufFormatException Missing(string key, string expected) => new(Path, $"key '{key}'", "none", expected);

    /// <summary>The exception for a value that does not fit.</summary>
    /// <param name="key">The key.</param>
    /// <param name="expected">What it should hold.</param>
    public GgufFormatException Invalid(string key, string expected) =>
        _values.TryGetValue(key, out var stored) ? Wrong(key, stored, expected) : Missing(key, expected);

    private GgufFormatException Wrong(string key, GgufValue stored, string expected) =>
        new(Path, $"key '{key}'", $"{stored.Describe()} {GgufFormatException.Quote(stored.ToString())}", expected);

    private delegate T Convert<T>(GgufMetadata self, string key, GgufValue stored, object value);

    private bool TryGet<T>(string key, Convert<T> convert, [NotNullWhen(true)] out T? value)
    {
        value = default;
        if (!_values.TryGetValue(key, out var stored)) return false;
        value = convert(this, key, stored, stored.Value)!;
        return true;
    }

    private bool TryGetArray<T>(string key, Convert<T> convert, [NotNullWhen(true)] out T[]? values)
    {
        values = null;
        if (!_values.TryGetValue(key, out var stored)) return false;
        values = stored switch
        {
            { Type: not GgufValueType.Array } => [convert(this, key, stored, stored.Value)],
            { Value: T[] exact } => (T[])exact.Clone(),
            _ => [.. ((Array)stored.Value).Cast<object>().Select(value => convert(this, key, stored, value))],
        };
        return true;
    }

    private bool TryGetPerLayer<T>(string key, int layers, Convert<T> convert, [NotNullWhen(true)] out T[]? values)
    {
        if (!TryGetArray(key, convert, out values)) return false;
        var stored = _values[key];
        if (stored.Type != GgufValueType.Array) values = Repeat(values[0], layers);
        else if (values.Length < layers) throw Wrong(key, stored, $"one value for each of {layers} layers");
        else values = values[..layers];
        return true;
    }

    private static T[] Repeat<T>(T value, int count)
    {
        var values = new T[count];
        Array.Fill(values, value);
        return values;
    }

    private static int ToInt32(GgufMetadata self, string key, GgufValue stored, object value) => value switch
    {
        byte or sbyte or ushort or short or int => System.Convert.ToInt32(value, CultureInfo.InvariantCulture),
        uint v when v <= int.MaxValue => (int)v,
        long v when v is >= int.MinValue and <= int.MaxValue => (int)v,
        ulong v when v <= int.MaxValue => (int)v,
        _ => throw self.Wrong(key, stored, "an integer of 32 bits"),
    };

    private static long ToInt64(GgufMetadata self, string key, GgufValue stored, object value) => value switch
    {
        byte or sbyte or ushort or short or int or uint or long => System.Convert.ToInt64(value, CultureInfo.InvariantCulture),
        ulong v => (long)Math.Min(v, long.MaxValue),
        _ => throw self.Wrong(key, stored, "an integer"),
    };

    private static float ToSingle(GgufMetadata self, string key, GgufValue stored, object value) => value switch
    {
        float v => v,
        double v => (float)v,
        byte or sbyte or ushort or short or int or uint or long or ulong => System.Convert.ToSingle(value, CultureInfo.InvariantCulture),
        _ => throw self.Wrong(key, stored, "a number"),
    };

    private static bool ToBoolean(GgufMetadata self, string key, GgufValue stored, object value) => value switch
    {
        bool v => v,
        byte or sbyte or ushort or short or int or uint or long or ulong when System.Convert.ToDouble(value, CultureInfo.InvariantCulture) is 0 or 1 =>
            System.Convert.ToBoolean(value, CultureInfo.InvariantCulture),
        _ => throw self.Wrong(key, stored, "a flag"),
    };
}
