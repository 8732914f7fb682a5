using TinyMllm.Tests.Support;
using static TinyMllm.Tests.Support.Programs;

namespace TinyMllm.Tests.Api;

/// <summary>The samples, started as someone does who has not read them.</summary>
[TestFixture]
[Category("Slow")]
public sealed class SampleTests
{
    private string _folder = "";

    public static IEnumerable<string> Names => Directory.GetDirectories(Path.Combine(Golden.Root, "samples")).Select(folder => Path.GetFileName(folder)!).Order();

    [OneTimeSetUp]
    public void MakeFolder() => _folder = Directory.CreateTempSubdirectory("tinymllm-samples-").FullName;

    [OneTimeTearDown]
    public void Remove() => Directory.Delete(_folder, recursive: true);

    [TestCaseSource(nameof(Names))]
    public void WithoutArgumentsASampleSaysHowItIsUsed(string name)
    {
        Dotnet(Golden.Root, "build", Path.Combine("samples", name), "-c", "Release", "--artifacts-path", _folder);
        string program = Directory.GetFiles(Path.Combine(_folder, "bin", name), name + ".dll", SearchOption.AllDirectories).Single();
        (int code, string output) = TryRun("dotnet", _folder, [program]);
        Assert.That(code, Is.EqualTo(2), output);
        Assert.That(output.TrimEnd(), Does.StartWith($"usage: {name} ").And.Not.Contains("\n"));
    }
}
