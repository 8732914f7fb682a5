using System.Reflection;
using System.Text.RegularExpressions;
using TinyMllm.Kernels.Quantization;
using TinyMllm.Loaders.Gguf;
using TinyMllm.Tests.Support;

namespace TinyMllm.Tests.Api;

/// <summary>What the documentation says about the code is so; that its snippets compile is tested with the packages.</summary>
[TestFixture]
public sealed partial class DocumentationTests
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
    public void EveryLinkLeadsToAFileAndItsHeading()
    {
        string[] pages = [.. Files("*.md")];
        Assert.That(pages, Has.Length.GreaterThan(10));
        foreach (string page in pages)
        {
            foreach (Match link in LinkPattern().Matches(File.ReadAllText(page)))
            {
                string target = link.Groups["path"].Length == 0 ? page : Path.Combine(Path.GetDirectoryName(page)!, link.Groups["path"].Value);
                AssertExists(target, link.Groups["heading"].Value, $"{page}: {link.Value}");
            }
        }
    }

    [Test]
    public void EveryPageThatTheSourcesNameExists()
    {
        int count = 0;
        foreach (string file in Files("*.cs").Concat(Files("*.props")).Concat(Files("*.targets")))
        {
            foreach (Match mention in MentionPattern().Matches(File.ReadAllText(file)))
            {
                AssertExists(Path.Combine(Golden.Root, mention.Groups["path"].Value), mention.Groups["heading"].Value, $"{file}: {mention.Value}");
                count++;
            }
        }

        Assert.That(count, Is.GreaterThan(50));
    }

    /// <summary>What the code follows is written down here or published: a paper, a format's own document.</summary>
    [Test]
    public void NoSourceCitesAPageThatIsNotInTheRepository() => Assert.That(
        Files("*.cs").Where(file => Path.GetFileName(file) != "DocumentationTests.cs").SelectMany(file => ForeignPattern().Matches(File.ReadAllText(file)).Select(match => $"{file}: {match.Value}")), Is.Empty);

    /// <summary>The repository's own files, without what builds leave.</summary>
    private static IEnumerable<string> Files(string pattern) => Directory.EnumerateDirectories(Golden.Root)
        .Where(folder => Path.GetFileName(folder) is not ("artifacts" or "TestResults") && !Path.GetFileName(folder).StartsWith('.'))
        .SelectMany(folder => Directory.EnumerateFiles(folder, pattern, SearchOption.AllDirectories))
        .Concat(Directory.EnumerateFiles(Golden.Root, pattern))
        .Where(file => !BuildPattern().IsMatch(Path.GetRelativePath(Golden.Root, file)));

    private static void AssertExists(string path, string heading, string where)
    {
        Assert.That(Path.Exists(path), where);
        if (heading.Length > 0) Assert.That(Anchors(path), Does.Contain(heading), where);
    }

    /// <summary>The anchors that Markdown viewers give the headings of a page.</summary>
    private static IEnumerable<string> Anchors(string page)
    {
        bool code = false;
        foreach (string line in File.ReadLines(page))
        {
            if (line.StartsWith("```", StringComparison.Ordinal)) code = !code;
            if (!code && line.StartsWith('#'))
                yield return string.Concat(line.TrimStart('#').Trim().ToLowerInvariant().Where(c => char.IsLetterOrDigit(c) || c is ' ' or '-' or '_')).Replace(' ', '-');
        }
    }

    [GeneratedRegex(@"\]\((?!https?:)(?<path>[^)#\s]*)(?:#(?<heading>[^)\s]+))?\)")]
    private static partial Regex LinkPattern();

    [GeneratedRegex(@"\b(?<path>docs/[\w/-]+\.md)(?:#(?<heading>[\w-]+))?")]
    private static partial Regex MentionPattern();

    [GeneratedRegex(@"\bspec/[\w-]+\.md|shared/spec|\b(language-models|vision-models|families-2026)\.md")]
    private static partial Regex ForeignPattern();

    [GeneratedRegex(@"(^|[\\/])(bin|obj|BenchmarkDotNet\.Artifacts)[\\/]")]
    private static partial Regex BuildPattern();
}
