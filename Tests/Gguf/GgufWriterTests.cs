using TinyMllm.Kernels.Quantization;
using TinyMllm.Loaders.Gguf;
using TinyMllm.Tests.Support;

namespace TinyMllm.Tests.Gguf;

public sealed unsafe class GgufWriterTests
{
    private string _folder = "";

    [SetUp]
    public void CreateFolder() => _folder = Directory.CreateTempSubdirectory("tinymllm-gguf").FullName;

    [TearDown]
    public void RemoveFolder() => Directory.Delete(_folder, recursive: true);

    private string In(string name) => Path.Combine(_folder, name);

    /// <summary>The smallest useful file, byte for byte (docs/formats/gguf.md#the-smallest-useful-file).</summary>
    [Test]
    public void WritesTheExampleOfTheFormat()
    {
        using var stream = new MemoryStream();
        GgufSamples.Smallest().WriteTo(stream);
        byte[] expected = new byte[0xA0];
        Convert.FromHexString(
            "47475546" + "03000000" + "0100000000000000" + "0100000000000000" +
            "1400000000000000" + "67656E6572616C2E617263686974656374757265" + "08000000" + "0100000000000000" + "78" +
            "0100000000000000" + "74" + "01000000" + "0200000000000000" + "00000000" + "0000000000000000").CopyTo(expected, 0);
        Convert.FromHexString("0000803F00000040").CopyTo(expected, 0x80);
        Assert.That(Convert.ToHexString(stream.ToArray()), Is.EqualTo(Convert.ToHexString(expected)));
    }

    [TestCase(1u)]
    [TestCase(8u)]
    [TestCase(32u)]
    [TestCase(4096u)]
    public void ReadsBackEveryValueTypeAtAnyAlignment(uint alignment)
    {
        var writer = GgufSamples.Everything(alignment);
        writer.Save(In("all.gguf"));
        using var file = GgufFile.Open(In("all.gguf"));
        Assert.That(file.Alignment, Is.EqualTo((int)alignment));
        Assert.That(file.Metadata.Count, Is.EqualTo(writer.Metadata.Count()));
        foreach (var (key, value) in writer.Metadata)
        {
            Assert.That(file.Metadata.TryGetValue(key, out var read), key);
            Assert.That((read!.Type, read.ElementType), Is.EqualTo((value.Type, value.ElementType)), key);
            Assert.That(read.Value, Is.EqualTo(value.Value), key);
        }

        Assert.That(file.Tensors.Select(t => t.Name), Is.EqualTo(new[] { "a", "nothing", "b.weight", "c" }));
        Assert.That(new Span<byte>(file.GetTensor("c").Data, 34).ToArray(), Is.EqualTo(Enumerable.Range(1, 34).Select(i => (byte)i)));
        Assert.That(file.GetTensor("b.weight").Dimensions, Is.EqualTo(new long[] { 3, 2 }));
        Assert.That(file.GetTensor("nothing").Data == null);
    }

    /// <summary>Copying a model key by key and tensor by tensor gives the same file, padding and all.</summary>
    [Test]
    public void ACopyOfAModelIsTheSameFile()
    {
        string path = Path.Combine(Golden.Root, "Models", "Demo", "demo-mmproj-q8_0.gguf");
        using var file = GgufFile.Open(path);
        var writer = new GgufWriter();
        foreach (var (key, value) in file.Metadata.Entries) writer.Set(key, value);
        foreach (var tensor in file.Tensors) writer.Add(tensor);
        writer.Save(In("copy.gguf"));
        Assert.That(File.ReadAllBytes(In("copy.gguf")).AsSpan().SequenceEqual(File.ReadAllBytes(path)));
    }

    [Test]
    public void ASplitModelOpensByItsFirstPart()
    {
        string[] paths = GgufSamples.Everything(64).SaveSplit(In("model"), 3);
        Assert.That(paths.Select(Path.GetFileName), Is.EqualTo(new[] { "model-00001-of-00002.gguf", "model-00002-of-00002.gguf" }));
        using var file = GgufFile.Open(paths[0]);
        Assert.That(file.PartCount, Is.EqualTo(2));
        Assert.That(file.Tensors, Has.Count.EqualTo(4));
        Assert.That(file.GetTensor("c").Data[33], Is.EqualTo(34));
        Assert.That(() => GgufFile.Open(paths[1]), Throws.TypeOf<GgufFormatException>().With.Message.Contains("open the first part"));
    }

    [Test]
    public void ASplitModelNeedsAllItsParts()
    {
        string[] paths = GgufSamples.Everything(32).SaveSplit(In("model"), 1);
        File.Copy(paths[2], paths[1], overwrite: true);
        Assert.That(() => GgufFile.Open(paths[0]), Throws.TypeOf<GgufFormatException>().With.Message.Contains("split.no"));
        File.Delete(paths[1]);
        Assert.That(() => GgufFile.Open(paths[0]), Throws.TypeOf<FileNotFoundException>());
        File.Move(paths[0], In("renamed.gguf"));
        Assert.That(() => GgufFile.Open(In("renamed.gguf")), Throws.TypeOf<GgufFormatException>().With.Message.Contains("-00001-of-00004.gguf"));
    }

    [Test]
    public void ASplitModelCountsItsTensorsAndHasNoneTwice()
    {
        var first = GgufSamples.Smallest();
        first.Set("split.no", GgufValue.From((ushort)0));
        first.Set("split.count", GgufValue.From((ushort)2));
        first.Set("split.tensors.count", GgufValue.From(3));
        first.Save(In("m-00001-of-00002.gguf"));
        var second = new GgufWriter();
        second.Set("split.no", GgufValue.From((ushort)1));
        second.Add("u", TensorType.F32, [1], new byte[4]);
        second.Save(In("m-00002-of-00002.gguf"));
        Assert.That(() => GgufFile.Open(In("m-00001-of-00002.gguf")), Throws.TypeOf<GgufFormatException>().With.Message.Contains("found 2 tensors"));
        second.Add("t", TensorType.F32, [1], new byte[4]);
        second.Save(In("m-00002-of-00002.gguf"));
        Assert.That(() => GgufFile.Open(In("m-00001-of-00002.gguf")), Throws.TypeOf<GgufFormatException>().With.Message.Contains("'t'"));
    }

    [Test]
    public void AFailedSaveLeavesTheOldFileAndNoOther()
    {
        GgufSamples.Smallest().Save(In("x.gguf"));
        var writer = new GgufWriter();
        writer.Add("short", TensorType.F32, [4], new byte[15]);
        Assert.That(() => writer.Save(In("x.gguf")), Throws.InvalidOperationException.With.Message.Contains("15 bytes"));
        Assert.That(() => GgufSamples.Smallest().Save(In("x.gguf"), new CancellationToken(canceled: true)), Throws.InstanceOf<OperationCanceledException>());
        Assert.That(Directory.GetFiles(_folder).Select(Path.GetFileName), Is.EqualTo(new[] { "x.gguf" }));
        GgufFile.Open(In("x.gguf")).Dispose();
    }

    [Test]
    public void RefusesWhatAReaderWouldRefuse()
    {
        var writer = new GgufWriter();
        Assert.That(() => writer.Set("", GgufValue.From(1)), Throws.ArgumentException);
        Assert.That(() => writer.Set("general.alignment", GgufValue.From(13u)), Throws.ArgumentException);
        Assert.That(() => writer.Add(new string('x', 64), TensorType.F32, [1], new byte[4]), Throws.ArgumentException);
        Assert.That(() => writer.Add("x", TensorType.Q4_0, [33], new byte[4]), Throws.ArgumentException);
        Assert.That(() => writer.Add("x", (TensorType)4, [32], new byte[4]), Throws.ArgumentException);
        Assert.That(() => writer.Add("x", TensorType.F32, [1, -1], new byte[4]), Throws.ArgumentException);
        writer.Add("x", TensorType.F32, [1], new byte[4]);
        Assert.That(() => writer.Add("x", TensorType.F32, [1], new byte[4]), Throws.ArgumentException);
    }
}
