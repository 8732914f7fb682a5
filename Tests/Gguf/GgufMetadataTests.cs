using TinyMllm.Loaders.Gguf;

namespace TinyMllm.Tests.Gguf;

/// <summary>Typed getters over what different writers store.</summary>
public sealed class GgufMetadataTests
{
    private string _path = "";
    private GgufFile _file = null!;
    private GgufMetadata _metadata = null!;

    [OneTimeSetUp]
    public void Open()
    {
        _path = Path.GetTempFileName();
        GgufSamples.Everything().Save(_path);
        _file = GgufFile.Open(_path);
        _metadata = _file.Metadata;
    }

    [OneTimeTearDown]
    public void Close()
    {
        _file.Dispose();
        File.Delete(_path);
    }

    [TestCase("one.UInt8", 200)]
    [TestCase("one.Int8", -5)]
    [TestCase("one.UInt16", 60000)]
    [TestCase("one.Int16", -300)]
    [TestCase("one.Int32", -70000)]
    public void IntegersOfEveryWidth(string key, int expected)
    {
        Assert.That(_metadata.GetInt32(key), Is.EqualTo(expected));
        Assert.That(_metadata.GetSingle(key), Is.EqualTo(expected));
        Assert.That(_metadata.GetInt32Array(key), Is.EqualTo(new[] { expected }));
        Assert.That(_metadata.GetInt32PerLayer(key, 3), Is.EqualTo(new[] { expected, expected, expected }));
    }

    [TestCase("one.UInt32", "4000000000")]
    [TestCase("one.UInt64", "18446744073709551615")]
    [TestCase("one.Int64", "-9223372036854775808")]
    [TestCase("one.Float32", "1.5")]
    [TestCase("one.Bool", "true")]
    [TestCase("text", "naïve")]
    [TestCase("two.Int32", "[1, -2147483648]")]
    public void NotAnInteger(string key, string found) => Assert.That(() => _metadata.GetInt32(key),
        Throws.TypeOf<GgufFormatException>().With.Message.StartsWith($"{_path}: key '{key}': found ").And.Message.Contains(found).And.Message.EndsWith("expected an integer of 32 bits"));

    [Test]
    public void Numbers()
    {
        Assert.That(_metadata.GetSingle("one.Float32"), Is.EqualTo(1.5f));
        Assert.That(_metadata.GetSingle("one.Float64"), Is.EqualTo(float.PositiveInfinity));
        Assert.That(_metadata.GetSingleArray("two.Float32"), Is.EqualTo(new[] { 1, float.Epsilon }));
        Assert.That(_metadata.GetSingleArray("two.Int16"), Is.EqualTo(new[] { 1f, -32768 }));
        Assert.That(() => _metadata.GetSingle("text"), Throws.TypeOf<GgufFormatException>());
    }

    [Test]
    public void Flags()
    {
        Assert.That(_metadata.GetBoolean("one.Bool"));
        Assert.That(_metadata.GetBooleanArray("two.Bool"), Is.EqualTo(new[] { true, false }));
        Assert.That(() => _metadata.GetBoolean("one.UInt8"), Throws.TypeOf<GgufFormatException>().With.Message.Contains("200"));
        Assert.That(() => _metadata.GetBoolean("one.Float32"), Throws.TypeOf<GgufFormatException>());
    }

    [Test]
    public void Texts()
    {
        Assert.That(_metadata.GetString("text"), Is.EqualTo("naïve 🦙"));
        Assert.That(_metadata.GetStringArray("texts"), Is.EqualTo(new[] { "", "a", "Ġthe" }));
        Assert.That(_metadata.GetStringArray("raw"), Is.EqualTo(new[] { "\uFFFD\0", "", "\uFFFD" }), "lenient");
        Assert.That(_metadata.GetUtf8Array("raw"), Is.EqualTo(new byte[][] { [0xFF, 0x00], [], [0xE2, 0x82] }));
        Assert.That(() => _metadata.GetString("one.Int8"), Throws.TypeOf<GgufFormatException>().With.Message.Contains("found Int8 '-5', expected a string"));
        Assert.That(() => _metadata.GetStringArray("two.UInt8"), Throws.TypeOf<GgufFormatException>());
    }

    [Test]
    public void Bytes()
    {
        Assert.That(_metadata.TryGetByteArray("two.UInt8", out var bytes) && bytes.SequenceEqual(new byte[] { 1, 255 }));
        Assert.That(_metadata.TryGetByteArray("two.Int8", out var signed) && signed.SequenceEqual(new byte[] { 1, 128 }));
        Assert.That(() => _metadata.TryGetByteArray("texts", out _), Throws.TypeOf<GgufFormatException>());
    }

    [Test]
    public void AbsentKeys()
    {
        Assert.That(() => _metadata.GetInt32("llama.block_count"), Throws.TypeOf<GgufFormatException>().With.Message
            .EqualTo($"{_path}: key 'llama.block_count': found none, expected an integer"));
        Assert.That(_metadata.GetInt32("x", 7), Is.EqualTo(7));
        Assert.That(_metadata.GetSingle("x", 0.5f), Is.EqualTo(0.5f));
        Assert.That(_metadata.GetBoolean("x", true));
        Assert.That(_metadata.GetString("x", null), Is.Null);
        Assert.That(_metadata.GetInt32PerLayer("x", 2, absent: 9), Is.EqualTo(new[] { 9, 9 }));
        Assert.That(_metadata.TryGetInt32Array("x", out _) || _metadata.TryGetStringArray("x", out _) || _metadata.TryGetString("x", out _), Is.False);
    }

    [Test]
    public void PerLayerArraysMustBeLongEnough()
    {
        Assert.That(_metadata.GetInt32PerLayer("two.UInt8", 2), Is.EqualTo(new[] { 1, 255 }));
        Assert.That(_metadata.GetInt32PerLayer("two.UInt8", 1), Is.EqualTo(new[] { 1 }));
        Assert.That(() => _metadata.GetInt32PerLayer("two.UInt8", 3), Throws.TypeOf<GgufFormatException>().With.Message.Contains("3 layers"));
    }

    [Test]
    public void ForPeople()
    {
        Assert.That(_metadata.TryGetValue("two.Int32", out var value));
        Assert.That($"{value!.Describe()}: {value}", Is.EqualTo("array of 2 Int32: [1, -2147483648]"));
        Assert.That(GgufValue.From(Enumerable.Range(0, 10).ToArray()).ToString(), Is.EqualTo("[0, 1, 2, 3, 4, 5, 6, 7, … 10 in all]"));
    }

    [Test]
    public void ShapesAreChecked()
    {
        Assert.That(_file.GetTensor("b.weight", 3, 2).Name, Is.EqualTo("b.weight"));
        Assert.That(() => _file.GetTensor("b.weight", 2, 3), Throws.TypeOf<GgufFormatException>().With.Message.EndsWith("found [3, 2], expected [2, 3]"));
        Assert.That(_file.FindTensor("none"), Is.Null);
    }
}
