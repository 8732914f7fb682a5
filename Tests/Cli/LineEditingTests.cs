using TinyMllm.Cli.Support;

namespace TinyMllm.Tests.Cli;

/// <summary>The chat's line editor counts what readers see as characters and what terminals see as cells.</summary>
[TestFixture]
public sealed class LineEditingTests
{
    private const string Family = "👨‍👩‍👧"; // Three people and two joiners: eight code units, one character.

    [TestCase("abc", "ab")]
    [TestCase("日本", "日")]
    [TestCase("pizza 🍕", "pizza ")]
    [TestCase("e\u0301", "")]
    [TestCase("x" + Family, "x")]
    [TestCase("", "")]
    public void BackspaceTakesAWholeCharacter(string text, string left)
    {
        var line = new EditedLine();
        line.Set(text);
        line.DeleteLeft();
        Assert.That((line.Text, line.Cursor), Is.EqualTo((left, left.Length)));
    }

    [Test]
    public void TheCursorStepsOverWholeCharacters()
    {
        var line = new EditedLine();
        line.Set("a🍕" + Family);
        List<int> stops = [];
        for (int i = 0; i < 4; i++, line.MoveLeft()) stops.Add(line.Cursor);
        Assert.That(stops, Is.EqualTo(new[] { 3 + Family.Length, 3, 1, 0 }));
        line.MoveRight();
        line.DeleteRight();
        line.Insert("b");
        Assert.That(line.Text, Is.EqualTo("ab" + Family));
        line.MoveToStart();
        line.DeleteRight();
        line.MoveToEnd();
        line.MoveRight();
        Assert.That(line.Text, Is.EqualTo("b" + Family));
    }

    [Test]
    public void ACharacterInTwoHalvesIsNotDrawnBetween()
    {
        var line = new EditedLine();
        line.Insert("\uD83C");
        Assert.That(line.IsHalfway);
        line.Insert("\uDF55");
        Assert.That((line.IsHalfway, line.Text), Is.EqualTo((false, "🍕")));
    }

    [Test]
    public void WordsAndEndsAreDeleted()
    {
        var line = new EditedLine();
        line.Set("one two  three ");
        line.DeleteWordLeft();
        Assert.That(line.Text, Is.EqualTo("one two  "));
        line.DeleteWordLeft();
        Assert.That(line.Text, Is.EqualTo("one "));
        line.MoveToStart();
        line.MoveRight();
        line.DeleteToEnd();
        Assert.That(line.Text, Is.EqualTo("o"));
        line.DeleteToStart();
        Assert.That(line.Text, Is.Empty);
    }

    [TestCase("short", 20, "short", 5)]
    [TestCase("a long line of text", 8, "of text", 7)]
    [TestCase("日本日本日本日本", 8, "本日本", 6)]
    public void TheWindowHoldsTheCursorAndFitsTheRow(string text, int cells, string shown, int cursor)
    {
        var line = new EditedLine();
        line.Set(text);
        Assert.That(line.Window(cells), Is.EqualTo((shown, cursor)));
        while (line.Cursor > 0)
        {
            (string part, int at) = line.Window(cells);
            Assert.That((EditedLine.Width(part), at), Is.LessThan((cells, cells)));
            Assert.That(text, Does.Contain(part));
            line.MoveLeft();
        }

        Assert.That(line.Window(cells).CursorCell, Is.Zero);
    }
}
