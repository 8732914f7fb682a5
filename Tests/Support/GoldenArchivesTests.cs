using System.Formats.Tar;
using System.IO.Compression;

namespace TinyMllm.Tests.Support;

/// <summary>The archives of the goldens: small enough, and unpacked anew when they change.</summary>
[TestFixture]
public sealed class GoldenArchivesTests
{
    private const long Limit = 40_000_000;

    [Test]
    public void FixturesStayBelow40Megabytes()
    {
        IEnumerable<FileInfo> files = new DirectoryInfo(Path.Combine(Golden.Root, "Tests", "Fixtures")).EnumerateFiles("*", SearchOption.AllDirectories);
        Assert.That(files.Sum(file => file.Length), Is.LessThan(Limit));
    }

    [Test]
    public void AMissingGoldenIsAnErrorAndNotASkippedTest() =>
        Assert.That(() => Golden.Path("llm/llama/no-such-file.npy"), Throws.TypeOf<FileNotFoundException>().With.Message.Contains("no-such-file.npy"));

    [Test]
    public void ChangedArchivesAreUnpackedAnewAndOthersAreNot()
    {
        string folder = Directory.CreateTempSubdirectory("tinymllm-archives-").FullName, target = Path.Combine(folder, "unpacked");
        try
        {
            Pack(Path.Combine(folder, "a.tar.br"), ("x/one.txt", "1"));
            Assert.That(GoldenArchives.Unpack(folder, target), Is.EqualTo(target));
            Assert.That(File.ReadAllText(Path.Combine(target, "x", "one.txt")), Is.EqualTo("1"));

            File.WriteAllText(Path.Combine(target, "x", "one.txt"), "touched");
            GoldenArchives.Unpack(folder, target);
            Assert.That(File.ReadAllText(Path.Combine(target, "x", "one.txt")), Is.EqualTo("touched"));

            Pack(Path.Combine(folder, "b.tar.br"), ("x/two.txt", "2"));
            GoldenArchives.Unpack(folder, target);
            Assert.That(File.ReadAllText(Path.Combine(target, "x", "one.txt")), Is.EqualTo("1"));
            Assert.That(File.ReadAllText(Path.Combine(target, "x", "two.txt")), Is.EqualTo("2"));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static void Pack(string archive, params (string Name, string Text)[] files)
    {
        using var packed = new BrotliStream(File.Create(archive), CompressionLevel.Fastest);
        using var writer = new TarWriter(packed);
        foreach ((string name, string text) in files)
            writer.WriteEntry(new UstarTarEntry(TarEntryType.RegularFile, name) { DataStream = new MemoryStream(System.Text.Encoding.UTF8.GetBytes(text)) });
    }
}
