using System.Text.RegularExpressions;
using TinyMllm.Language.Families;
using TinyMllm.Loaders.Gguf;
using TinyMllm.Tests.Support;
using TinyMllm.Vision.Families;

namespace TinyMllm.Tests.Api;

/// <summary>What the README says runs, and with which goldens it is tested, is what a clone tests.</summary>
[TestFixture]
public sealed partial class ReadmeTests
{
    private static readonly string Text = File.ReadAllText(Path.Combine(Golden.Root, "README.md"));

    /// <summary>A ticked row: what it promises and the goldens that it names.</summary>
    private sealed record Row(string Models, string[] Projectors, string[] Architectures, string[] Goldens);

    /// <summary>Rows of the first table have a projector, those of the second do not.</summary>
    private static Row[] Rows =>
    [
        .. Text.Split('\n').Where(line => line.StartsWith("| ✓ |", StringComparison.Ordinal)).Select(line => line.Split('|', StringSplitOptions.TrimEntries)[2..^1])
            .Select(cells => cells.Length == 4
                ? new Row(cells[0], Names(cells[1]), Names(cells[2]), [.. Names(cells[3]).Select(name => "vlm/" + name)])
                : new Row(cells[0], [], Names(cells[1]), [.. Names(cells[2]).Select(name => "llm/" + name)])),
    ];

    [Test]
    public void TheTablesAreRead()
    {
        Assert.That(Rows.Count(row => row.Projectors.Length > 0), Is.GreaterThanOrEqualTo(18));
        Assert.That(Rows.Count(row => row.Projectors.Length == 0), Is.GreaterThanOrEqualTo(18));
    }

    [Test]
    public void TheGoldensOfARowHaveItsProjectorsAndArchitectures()
    {
        foreach (Row row in Rows)
        {
            Assert.That(row.Goldens, Is.Not.Empty, row.Models);
            Assert.That(row.Goldens.Select(Architecture).Distinct(), Is.EquivalentTo(row.Architectures), row.Models);
            if (row.Projectors.Length > 0) Assert.That(row.Goldens.Select(Projector).Distinct(), Is.EquivalentTo(row.Projectors), row.Models);
        }
    }

    [Test]
    public void EveryGoldenStandsInARow()
    {
        IEnumerable<string> all = new[] { "llm", "vlm" }.SelectMany(kind => Golden.Folders(kind).Select(name => $"{kind}/{name}"));
        Assert.That(Rows.SelectMany(row => row.Goldens), Is.EquivalentTo(all));
    }

    [Test]
    public void WhatHasNoGoldenIsNamedAsSuch()
    {
        string[] names = Names(Text[Text.IndexOf("No reference numbers exist", StringComparison.Ordinal)..Text.IndexOf("Weights: F32", StringComparison.Ordinal)]);
        IEnumerable<string> architectures = LanguageFamilies.Architectures.Except(Rows.SelectMany(row => row.Architectures));
        IEnumerable<string> projectors = FamilyTable.Names.Except(Rows.SelectMany(row => row.Projectors));
        Assert.That(names, Is.EquivalentTo(architectures.Concat(projectors)));
    }

    private static string[] Names(string cell) => [.. CodePattern().Matches(cell).Select(match => match.Groups[1].Value)];

    private static string Architecture(string golden)
    {
        using var file = GgufFile.Open(Golden.Path(golden + "/model.gguf"));
        return file.Architecture;
    }

    private static string Projector(string golden)
    {
        using var file = GgufFile.Open(Golden.Path(golden + "/mmproj.gguf"));
        return file.Metadata.GetString("clip.projector_type", null) ?? file.Metadata.GetString("clip.vision.projector_type");
    }

    [GeneratedRegex("`([^`]+)`")]
    private static partial Regex CodePattern();
}
