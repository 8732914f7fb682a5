using System.Buffers.Binary;
using System.Text;
using TinyMllm.Kernels.Quantization;
using TinyMllm.Loaders.Gguf;

namespace TinyMllm.Tests.Gguf;

/// <summary>Damaged and hostile files: one clear exception each, never another one, no allocation by a number from the file.</summary>
public sealed class GgufBadFileTests
{
    // Offsets in the smallest file, as the format's description lists them.
    private const int Version = 4, TensorCount = 8, KeyCount = 16, KeyLength = 24, ValueType = 52, ValueLength = 56;
    private const int NameLength = 65, DimensionCount = 74, Dimension = 78, TypeId = 86, Offset = 90;

    private string _folder = "";

    [OneTimeSetUp]
    public void CreateFolder() => _folder = Directory.CreateTempSubdirectory("tinymllm-bad").FullName;

    [OneTimeTearDown]
    public void RemoveFolder() => Directory.Delete(_folder, recursive: true);

    [TestCase("", "0 bytes")]
    [TestCase("47475546", "4 bytes")]
    public void TooShortForAHeader(string hex, string found) => Refused(Convert.FromHexString(hex), "file", found);

    [Test]
    public void WrongMagic() => Refused(Patched(0, "GGML"u8), "header", "magic 0x4c4d4747");

    [TestCase(0u, "version 0")]
    [TestCase(1u, "version 1")]
    [TestCase(4u, "version 4")]
    [TestCase(0x03000000u, "a big-endian file")]
    public void WrongVersion(uint version, string found) => Refused(Patched(Version, version), "header", found);

    [Test]
    public void VersionTwoIsReadLikeThree() => Open(Patched(Version, 2u)).Dispose();

    [TestCase(TensorCount, 100UL, "100 tensors")]
    [TestCase(TensorCount, 1UL << 60, "tensors")]
    [TestCase(TensorCount, ulong.MaxValue, "-1 tensors")]
    [TestCase(KeyCount, 100UL, "100 keys")]
    [TestCase(KeyCount, 1UL << 60, "keys")]
    [TestCase(KeyCount, ulong.MaxValue, "-1 keys")]
    public void AbsurdCounts(int at, ulong count, string found) => Refused(Patched(at, count), "header", found);

    [TestCase(0UL, "a key of 0 bytes")]
    [TestCase(65536UL, "a key of 65536 bytes")]
    [TestCase(ulong.MaxValue, "a key of 18446744073709551615 bytes")]
    public void BadKeyLength(ulong length, string found) => Refused(Patched(KeyLength, length), "key 0 of 1", found);

    [TestCase(13u)]
    [TestCase(uint.MaxValue)]
    public void BadValueType(uint type) => Refused(Patched(ValueType, type), "key 'general.architecture'", $"value type {type}");

    [TestCase(121UL)]
    [TestCase(1UL << 31)]
    [TestCase(ulong.MaxValue)]
    public void BadStringLength(ulong length) => Refused(Patched(ValueLength, length), "key 'general.architecture'", $"a string of {length} bytes");

    [TestCase(13u, 0UL, "value type 13")]
    [TestCase(9u, 1UL, "an array of arrays")]
    [TestCase(5u, 1000UL, "an array of 1000 Int32")]
    [TestCase(10u, 1UL << 30, "an array of 1073741824 UInt64")]
    [TestCase(8u, 1UL << 30, "an array of 1073741824 String")]
    [TestCase(0u, ulong.MaxValue, "an array of 18446744073709551615 UInt8")]
    public void BadArray(uint elementType, ulong count, string found)
    {
        var writer = GgufSamples.Smallest();
        writer.Set("array", GgufValue.From(new[] { 1, 2 }));
        byte[] bytes = writer.Bytes();
        int at = bytes.AsSpan().IndexOf("array"u8) + 5 + 4;
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(at), elementType);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(at + 4), count);
        Refused(bytes, "key 'array'", found);
    }

    [Test]
    public void KeyTwice()
    {
        var writer = GgufSamples.Smallest();
        writer.Set("general.architecturf", GgufValue.From("x"));
        byte[] bytes = writer.Bytes();
        bytes[bytes.AsSpan().IndexOf("architecturf"u8) + 11] = (byte)'e';
        Refused(bytes, "key 'general.architecture'", "it twice");
    }

    [TestCase(13u, "UInt32 13")]
    [TestCase(0u, "UInt32 0")]
    [TestCase(1u << 31, "UInt32 2147483648")]
    public void BadAlignment(uint alignment, string found) => Refused(WithAlignment(BitConverter.GetBytes(alignment), 4), "key 'general.alignment'", found);

    [Test]
    public void AlignmentOfAnotherType() => Refused(WithAlignment(BitConverter.GetBytes(64), 5), "key 'general.alignment'", "Int32 64");

    /// <summary>Offsets that were computed for another alignment than the file declares.</summary>
    [Test]
    public void OffsetsOfAnotherAlignment() => Refused(WithAlignment(BitConverter.GetBytes(64u), 4), "tensor 'u'", "offset 32");

    [TestCase(64UL)]
    [TestCase(ulong.MaxValue)]
    public void BadTensorNameLength(ulong length) => Refused(Patched(NameLength, length), "tensor 0 of 1", $"a tensor name of {length} bytes");

    [Test]
    public void NulInTensorName() => Refused(Patched(NameLength + 8, [(byte)0]), "tensor 0 of 1", "a NUL");

    [Test]
    public void TensorTwice()
    {
        var writer = GgufSamples.Smallest();
        writer.Add("u", TensorType.F32, [1], new byte[4]);
        byte[] bytes = writer.Bytes();
        bytes[bytes.AsSpan().IndexOf("u\u0001\0\0\0"u8)] = (byte)'t';
        Refused(bytes, "tensor 't'", "it twice");
    }

    [Test]
    public void TooManyDimensions() => Refused(Patched(DimensionCount, 5u), "tensor 't'", "5 dimensions");

    [TestCase(ulong.MaxValue, "a dimension of -1")]
    [TestCase(1UL << 31, "a dimension of 2147483648")]
    [TestCase(3UL, "")]
    [TestCase((1UL << 31) - 1, "bytes left")]
    public void BadDimension(ulong size, string found)
    {
        if (found.Length == 0) Open(Patched(Dimension, size)).Dispose();
        else Refused(Patched(Dimension, size), "tensor 't'", found);
    }

    [TestCase(new long[] { 1, 65536, 65536 }, "[1, 65536, 65536]")]
    [TestCase(new long[] { 2147483647, 2147483647 }, "[2147483647, 2147483647]")]
    [TestCase(new long[] { 2147483647, 65535, 16384, 4 }, "[2147483647, 65535, 16384, 4]")]
    public void TooManyElements(long[] dimensions, string found)
    {
        var header = new GgufHeaderWriter();
        header.Start(1, 0);
        header.Tensor("t", (uint)TensorType.F64, dimensions, 0);
        byte[] bytes = [.. header.Written.Span, .. new byte[64]];
        Refused(bytes, "tensor 't'", found);
    }

    [TestCase(4u)]
    [TestCase(5u)]
    [TestCase(31u)]
    [TestCase(38u)]
    [TestCase(43u)]
    [TestCase(0x80000000u)]
    public void UnknownTensorType(uint type) => Refused(Patched(TypeId, type), "tensor 't'", $"type id {type}");

    [Test]
    public void RowsThatAreNotWholeBlocks() => Refused(Patched(TypeId, (uint)TensorType.Q4_0), "tensor 't'", "rows of 2 values in Q4_0");

    [TestCase(1UL)]
    [TestCase(32UL)]
    [TestCase(ulong.MaxValue)]
    public void BadOffset(ulong offset) => Refused(Patched(Offset, offset), "tensor 't'", $"offset {(long)offset}");

    /// <summary>Cut anywhere, the file is refused; only the padding behind the last tensor may be missing.</summary>
    [Test]
    public void TruncatedAtEveryOffset()
    {
        byte[] bytes = GgufSamples.Smallest().Bytes();
        int end = bytes.Length - GgufHeader.DefaultAlignment + 8;
        for (int length = 0; length < end; length++) RefusedAt(bytes, length);
        for (int length = end; length <= bytes.Length; length++) Open(bytes[..length]).Dispose();
    }

    /// <summary>The same for a file with every value type, every few bytes.</summary>
    [Test]
    public void TruncatedInsideEveryValueType()
    {
        byte[] bytes = GgufSamples.Everything().Bytes();
        for (int length = 1; length < bytes.Length - GgufHeader.DefaultAlignment; length += 7) RefusedAt(bytes, length);
    }

    /// <summary>Random damage: the file opens or is refused, and little is allocated either way.</summary>
    [Test]
    public void RandomDamage()
    {
        byte[] whole = GgufSamples.Everything().Bytes();
        var random = new Random(20261122);
        byte[] interesting = [0, 1, 2, 0x7F, 0x80, 0xFF];
        for (int round = 0; round < 1000; round++)
        {
            byte[] bytes = (byte[])whole.Clone();
            for (int n = random.Next(1, 6); n > 0; n--)
                bytes[random.Next(bytes.Length)] = random.Next(2) == 0 ? interesting[random.Next(interesting.Length)] : (byte)random.Next(256);
            string path = Write(bytes);
            long before = GC.GetAllocatedBytesForCurrentThread();
            try
            {
                using var file = GgufFile.Open(path);
                foreach (var tensor in file.Tensors) _ = tensor.ToString();
            }
            catch (GgufFormatException e)
            {
                Assert.That(e.Message, Does.Not.Contain("\n"));
            }

            Assert.That(GC.GetAllocatedBytesForCurrentThread() - before, Is.LessThan(1 << 20), $"round {round}");
        }
    }

    [Test]
    public void EmptyFileOfNoKeysAndNoTensorsOpens()
    {
        using var file = Open(new GgufWriter().Bytes());
        Assert.That((file.Metadata.Count, file.Tensors.Count, file.Architecture), Is.EqualTo((0, 0, "")));
        Assert.That(() => file.GetTensor("x"), Throws.TypeOf<GgufFormatException>().With.Message.Contains("tensor 'x': found none"));
    }

    [Test]
    public void MissingFile() => Assert.That(() => GgufFile.Open(Path.Combine(_folder, "none")), Throws.TypeOf<FileNotFoundException>());

    [Test]
    public void AFolderIsNotAFile() => Assert.That(() => GgufFile.Open(_folder), Throws.TypeOf<GgufFormatException>().With.Message.Contains("found a folder"));

    [Test]
    [Platform("Linux")]
    public void ADeviceIsNotAFile() => Assert.That(() => GgufFile.Open("/dev/zero"), Throws.TypeOf<GgufFormatException>());

    private void RefusedAt(byte[] bytes, int length) =>
        Assert.That(() => Open(bytes[..length]), Throws.TypeOf<GgufFormatException>(), $"{length} of {bytes.Length} bytes");

    private static byte[] Patched(int at, ReadOnlySpan<byte> field)
    {
        byte[] bytes = GgufSamples.Smallest().Bytes();
        field.CopyTo(bytes.AsSpan(at));
        return bytes;
    }

    private static byte[] Patched(int at, uint field) => Patched(at, BitConverter.GetBytes(field));

    private static byte[] Patched(int at, ulong field) => Patched(at, BitConverter.GetBytes(field));

    private static byte[] WithAlignment(byte[] value, uint type)
    {
        var writer = GgufSamples.Smallest();
        writer.Set("general.alignmenu", GgufValue.From(32u));
        writer.Add("u", TensorType.F32, [1], new byte[4]);
        byte[] bytes = writer.Bytes();
        int at = bytes.AsSpan().IndexOf("alignmenu"u8);
        bytes[at + 8] = (byte)'t';
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(at + 9), type);
        value.CopyTo(bytes, at + 13);
        return bytes;
    }

    private string Write(byte[] bytes)
    {
        string path = Path.Combine(_folder, "bad.gguf");
        File.WriteAllBytes(path, bytes);
        return path;
    }

    private GgufFile Open(byte[] bytes) => GgufFile.Open(Write(bytes));

    private void Refused(byte[] bytes, string subject, string found)
    {
        string path = Write(bytes);
        var error = Assert.Throws<GgufFormatException>(() => GgufFile.Open(path))!;
        Assert.That(error.Message, Does.StartWith(path + ": "));
        Assert.That(error.Message, Does.Contain(subject).And.Contain("expected"));
        Assert.That(error.Message, Does.Contain(found));
    }
}
