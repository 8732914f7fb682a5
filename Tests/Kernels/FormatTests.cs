using System.Reflection;
using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;
using TinyMllm.Kernels.Formats;
using TinyMllm.Kernels.Quantization;
using TinyMllm.Tests.Support;

namespace TinyMllm.Tests.Kernels;

/// <summary>A weight format is one file and one row of <see cref="Formats.All"/>: nothing else names it, and what is written about it is so.</summary>
[TestFixture]
public sealed partial class FormatTests
{
    /// <summary>Where types are named: the table, and what chooses among them, the quantiser's recipes and the benchmark of products.</summary>
    private static readonly string[] Named =
        ["Kernels/Formats/Formats.cs", "Loaders/Gguf/Quantization/TensorTypePolicy.cs", "Loaders/Gguf/Quantization/QuantizationMix.cs", "Bench/ProductCase.cs"];

    private static IEnumerable<string> Blocks => Formats.All.Where(format => format.IsQuantized).Select(format => format.Name);

    [Test]
    public void EveryTypeHasItsRow()
    {
        Assert.That(Formats.All.Select(format => format.Type), Is.EqualTo(Enum.GetValues<TensorType>().Order()));
        foreach (TensorType removed in new[] { 4, 5, 31, 32, 33, 36, 37, 38, 43, -1 }.Select(id => (TensorType)id))
        {
            Assert.That(Format.Find(removed), Is.Null);
            Assert.That((removed.BlockLength(), removed.BlockBytes()), Is.EqualTo((0, 0)));
            Assert.That(TensorCodec.CanDecode(removed) || TensorCodec.CanEncode(removed), Is.False);
        }
    }

    [Test]
    public void NamesAreFoundInAnyCase()
    {
        foreach (Format format in Formats.All) Assert.That(Format.Named(format.Name.ToLowerInvariant()), Is.SameAs(format));
        Assert.That(Format.Named("q4"), Is.Null);
        Assert.That(Format.Named("8"), Is.Null);
    }

    /// <summary>Plain floats are bounded by the float peak, weights of more than 5 bits by that of 8-bit leaves.</summary>
    [Test]
    public void PeaksFollowFromThePanels()
    {
        ILookup<PeakKind, string> peaks = Formats.All.Where(format => format.HasKernel).ToLookup(format => format.Peak, format => format.Name);
        Assert.That(peaks[PeakKind.Single], Is.EquivalentTo(new[] { "F32", "F16", "BF16" }));
        Assert.That(peaks[PeakKind.Int8], Is.EquivalentTo(new[] { "Q8_0", "Q6_K", "IQ4_NL", "IQ4_XS", "IQ2_XXS", "IQ2_XS", "IQ2_S", "IQ3_XXS" }));
    }

    [Test]
    public void TheDocumentationHasEveryFormat()
    {
        string page = File.ReadAllText(Path.Combine(Golden.Root, "docs", "formats", "quantization.md"));
        foreach (Format format in Formats.All)
            Assert.That(page, Does.Contain($"\n| {(int)format.Type} | {format.Name} | {format.BlockLength} | {format.BlockBytes} |"));
    }

    /// <summary>The picture in a format's file shows each field of the block by name, at its offset, and the size.</summary>
    [TestCaseSource(nameof(Blocks))]
    public void ThePictureIsTheBlock(string name)
    {
        string source = File.ReadAllText(Path.Combine(Golden.Root, "Kernels", "Formats", name + ".cs"));
        Match picture = PicturePattern().Match(source);
        Assert.That(picture.Success, "there is a picture");
        FieldInfo[] fields = [.. typeof(Format).Assembly.GetType($"{typeof(Format).Namespace}.{name}")!.GetFields(BindingFlags.Instance | BindingFlags.Public).OrderBy(field => field.MetadataToken)];
        var offsets = new List<int> { 0 };
        foreach (FieldInfo field in fields) offsets.Add(offsets[^1] + RuntimeHelpers.SizeOf(field.FieldType.TypeHandle));
        Assert.That(Numbers(picture.Groups["offsets"].Value), Is.EqualTo(offsets));
        Assert.That(offsets[^1], Is.EqualTo(Format.Named(name)!.BlockBytes));
        string[] cells = picture.Groups["cells"].Value.Split('│', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        Assert.That(cells.Select(cell => cell.Split(':')[0]), Is.EqualTo(fields.Select(field => field.Name)));

        static int[] Numbers(string text) => [.. text.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(int.Parse)];
    }

    /// <summary>F32 may be named anywhere: it is what memory holds. Any other type is one of the table, and whoever asks has the row.</summary>
    [Test]
    public void NoOtherSourceNamesAType()
    {
        var found = new List<string>();
        int files = 0;
        foreach (string room in new[] { "Kernels", "Engine", "Loaders", "Models", "tools", "Bench", "samples" })
        {
            foreach (string file in Directory.EnumerateFiles(Path.Combine(Golden.Root, room), "*.cs", SearchOption.AllDirectories))
            {
                string path = Path.GetRelativePath(Golden.Root, file).Replace(Path.DirectorySeparatorChar, '/');
                if (path.Contains("/obj/") || path.Contains("/bin/") || Named.Contains(path)) continue;
                files++;
                found.AddRange(TypePattern().Matches(File.ReadAllText(file)).Select(match => $"{path}: {match.Value}"));
            }
        }

        Assert.That(files, Is.GreaterThan(300));
        Assert.That(found, Is.Empty);
        foreach (string path in Named) Assert.That(TypePattern().IsMatch(File.ReadAllText(Path.Combine(Golden.Root, path))), path);
    }

    [GeneratedRegex(@"/// byte (?<offsets>[ \d]+)\n/// +┌[─┬]+┐\n/// +(?<cells>│[^\n]+│)\n/// +└[─┴]+┘\n")]
    private static partial Regex PicturePattern();

    [GeneratedRegex(@"\bTensorType\.(?!F32\b)[A-Z]+\d\w*")]
    private static partial Regex TypePattern();
}
