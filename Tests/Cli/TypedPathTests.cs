using TinyMllm.Cli.Support;

namespace TinyMllm.Tests.Cli;

/// <summary>Paths as they are typed, and what Tab makes of them.</summary>
[TestFixture]
[Platform(Exclude = "Win")] // A backslash is no escape there.
public sealed class TypedPathTests
{
    private string _folder = "";

    [SetUp]
    public void CreateFolder()
    {
        _folder = Directory.CreateTempSubdirectory("tinymllm-paths-").FullName;
        foreach (string name in new[] { "a b.png", "a'c.png", "x.png", "y.jpg", "notes.txt" })
            File.WriteAllText(Path.Combine(_folder, name), "");
        Directory.CreateDirectory(Path.Combine(_folder, "more pictures"));
    }

    [TearDown]
    public void RemoveFolder() => Directory.Delete(_folder, recursive: true);

    [TestCase("F/x.png", "F/x.png")]
    [TestCase("F/a b.png", "F/a b.png")]
    [TestCase("F/a\\ b.png", "F/a b.png")]
    [TestCase("\"F/a b.png\"", "F/a b.png")]
    [TestCase("'F/a b.png'", "F/a b.png")]
    [TestCase("'F/a b.png' F/x.png", "F/a b.png|F/x.png")]
    [TestCase("F/a\\ b.png F/y.jpg", "F/a b.png|F/y.jpg")]
    [TestCase("F/a'c.png", "F/a'c.png")]
    [TestCase("F/a\\'c.png", "F/a'c.png")]
    [TestCase("file://F/a%20b.png", "F/a b.png")]
    [TestCase("F/no such.png", "F/no such.png", Description = "an error names the whole of it")]
    [TestCase("'F/no such.png'", "F/no such.png")]
    [TestCase("~/none.png", "~/none.png")]
    public void APathIsRead(string typed, string expected)
    {
        string home = Environment.GetFolderPath(Environment.SpecialFolder.UserProfile);
        Assert.That(TypedPaths.Parse(In(typed)), Is.EqualTo(In(expected).Replace("~", home, StringComparison.Ordinal).Split('|')));
    }

    [TestCase("F/x.png", 1)]
    [TestCase("F/a\\ b.png 'F/x.png'", 2)]
    [TestCase("F/notes.txt", 0)]
    [TestCase("/history", 0)]
    [TestCase("What is in F/x.png?", 0)]
    public void ALineOfPicturesWasDropped(string line, int count) =>
        Assert.That(TypedPaths.DroppedPictures(In(line)), Has.Length.EqualTo(count));

    [TestCase("F/a", "F/a\\ b.png|F/a\\'c.png")]
    [TestCase("F/a\\ ", "F/a\\ b.png")]
    [TestCase("\"F/a ", "\"F/a b.png\"")]
    [TestCase("F/m", "F/more\\ pictures/")]
    [TestCase("'F/m", "'F/more pictures/")]
    [TestCase("F/n", "")]
    [TestCase("F/none/", "")]
    public void TabKeepsTheWayItIsWritten(string typed, string expected) =>
        Assert.That(string.Join('|', TypedPaths.Complete(In(typed)).Select(choice => choice.Line)), Is.EqualTo(In(expected)));

    /// <summary>The folder in place of F.</summary>
    private string In(string text) => text.Replace("F/", _folder + "/", StringComparison.Ordinal);
}
