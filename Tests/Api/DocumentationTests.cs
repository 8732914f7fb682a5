using System.Reflection;
using TinyMllm.Kernels.Quantization;
using TinyMllm.Loaders.Gguf;
using TinyMllm.Tests.Support;

namespace TinyMllm.Tests.Api;

/// <summary>What the documentation says about the code is so; that its snippets compile is tested with the packages.</summary>
[TestFixture]
public sealed class DocumentationTests
{
    private static readonly Assembly[] Libraries =
        [typeof(TensorType).Assembly, typeof(TinyMllm.Engine.KvCache).Assembly, typeof(GgufFile).Assembly, typeof(VisionLanguageModel).Assembly];

    private static string Page(string name) => File.ReadAllText(Path.Combine(Golden.Root, "docs", name + ".md"));

    [Test]
    public void EveryExceptionHasItsPlaceInTroubleshooting()
    {
        string page = Page("troubleshooting");
        IEnumerable<Type> exceptions = Libraries.SelectMany(library => library.GetExportedTypes()).Where(typeof(Exception).IsAssignableFrom);
        Assert.That(exceptions.Select(type => type.Name).Where(name => !page.Contains(name, StringComparison.Ordinal)), Is.Empty);
    }

    [Test]
    public void EveryLinkLeadsToAFile()
    {
        foreach (string file in Directory.GetFiles(Path.Combine(Golden.Root, "docs"), "*.md").Append(Path.Combine(Golden.Root, "README.md")))
        {
            foreach (System.Text.RegularExpressions.Match link in System.Text.RegularExpressions.Regex.Matches(File.ReadAllText(file), @"\]\((?!https?:)([^)#]+)"))
                Assert.That(Path.Exists(Path.Combine(Path.GetDirectoryName(file)!, link.Groups[1].Value)), $"{file}: {link.Groups[1].Value}");
        }
    }
}
