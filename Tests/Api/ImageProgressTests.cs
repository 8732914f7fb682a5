using TinyMllm.Loaders.Images;

namespace TinyMllm.Tests.Api;

/// <summary>How far the pictures of a prompt are encoded.</summary>
[TestFixture]
public sealed class ImageProgressTests
{
    [Test]
    public async Task EveryTileIsCountedOnce()
    {
        using VisionLanguageModel model = Demo.Load();
        RgbImage[] images = [Demo.Picture("pizza"), Demo.Picture("penguin"), Demo.Picture("strawberry")];
        var seen = new Reports();
        var options = new GenerationOptions { MaxTokens = 1, ImageProgress = seen };
        await model.AnswerAsync("What is this?", images, options);
        Assert.That(seen.All.Select(report => report.Tiles).Distinct(), Is.EqualTo(new[] { 3 }));
        Assert.That(seen.All.Select(report => report.TilesDone).Distinct(), Is.EqualTo(new[] { 0, 1, 2, 3 }));
        Assert.That(seen.All.Select(report => report.Fraction), Is.Ordered.And.All.InRange(0, 1));
        Assert.That(seen.All, Has.Count.GreaterThan(6), "the blocks of each tile are told, too");
        Assert.That(seen.All[^1], Is.EqualTo(new ImageProgress(3, 3, 1)));

        // Encoded already: done at once.
        seen.All.Clear();
        await model.AnswerAsync("What do you see?", [images[2], images[0]], options);
        Assert.That(seen.All, Is.EqualTo(new[] { new ImageProgress(1, 2, 0.5), new ImageProgress(2, 2, 1) }));

        seen.All.Clear();
        await model.AnswerAsync("Hello", [], options);
        Assert.That(seen.All, Is.Empty);
    }

    [Test]
    public async Task AStoppedAnswerCanBeAddedToTheConversation()
    {
        using VisionLanguageModel model = Demo.Load();
        using ChatSession session = model.CreateSession();
        session.Add(ChatTurn.User("What is this?", Demo.Picture("pizza")));
        session.Add(ChatTurn.Assistant("a pi"));
        Assert.That(session.Turns, Has.Count.EqualTo(2));
        await foreach (GeneratedPiece piece in session.GenerateAsync("What color is the background?"))
        {
            if (piece.Result is not null) continue;
            Assert.That(() => session.Add(ChatTurn.User("meanwhile")), Throws.InvalidOperationException);
        }

        Assert.That(session.Turns.Select(turn => turn.Message.Parts[^1].Text),
            Is.EqualTo(new[] { "What is this?", "a pi", "What color is the background?", "green." }));
    }

    private sealed class Reports : IProgress<ImageProgress>
    {
        public List<ImageProgress> All { get; } = [];

        public void Report(ImageProgress value) => All.Add(value);
    }
}
