using TinyMllm.Engine.Sampling;
using TinyMllm.Generation;
using TinyMllm.Loaders.Text.Chat;
using TinyMllm.Loaders.Text.Tokenizers;

namespace TinyMllm.Tests.Generation;

[TestFixture]
public sealed class GeneratorTests
{
    private readonly EmbeddingCache _embeddings = new(1 << 20);

    [SetUp]
    public void SetUp() => _embeddings.Clear();

    [Test]
    public void AnswersUntilTheModelIsDone()
    {
        var decoder = new ScriptedSlot("a small cat");
        List<GeneratedPiece> pieces = Run(decoder, decoder, [ScriptedSlot.Text("What?")]);
        Assert.That(string.Concat(pieces), Is.EqualTo("a small cat"));
        GenerationResult result = pieces[^1].Result!;
        Assert.That((result.Text, result.FinishReason), Is.EqualTo(("a small cat", FinishReason.EndOfTurn)));
        Assert.That(result.Usage, Is.EqualTo(new GenerationUsage(5, 0, 0, 11)));
    }

    [Test]
    public void MaxTokensAndAFullContextEndTheAnswer()
    {
        var decoder = new ScriptedSlot("a small cat");
        Assert.That(Run(decoder, decoder, [ScriptedSlot.Text("?")], new() { MaxTokens = 3 })[^1].Result, Has
            .Property("Text").EqualTo("a s").And.Property("FinishReason").EqualTo(FinishReason.MaxTokens));
        Assert.That(Run(decoder, decoder, [ScriptedSlot.Text("?")], new() { MaxTokens = 0 })[^1].Result!.Text, Is.Empty);

        decoder = new ScriptedSlot("a small cat", capacity: 8);
        Assert.That(Run(decoder, decoder, [ScriptedSlot.Text("????")])[^1].Result, Has
            .Property("Text").EqualTo("a sma").And.Property("FinishReason").EqualTo(FinishReason.ContextFull));
    }

    [Test]
    public void APromptThatDoesNotFitIsRefused()
    {
        var decoder = new ScriptedSlot("x", capacity: 8);
        Assert.That(() => Run(decoder, decoder, [ScriptedSlot.Text("12345678")]),
            Throws.TypeOf<ContextOverflowException>().With.Property("Needed").EqualTo(9));
    }

    [TestCase("catapult", "cat", "")]
    [TestCase("a cat", "cat", "a ")]
    [TestCase("ccat", "cat", "c")]
    [TestCase("ca", "cat", "ca")]
    [TestCase("aab", "ab", "a")]
    public void StopStringsAreNeverShownNotEvenInPart(string script, string stop, string shown)
    {
        var decoder = new ScriptedSlot(script);
        List<GeneratedPiece> pieces = Run(decoder, decoder, [ScriptedSlot.Text("?")], new() { StopStrings = [stop] });
        Assert.That(string.Concat(pieces), Is.EqualTo(shown));
        for (string soFar = "", rest = string.Concat(pieces); rest.Length > 0; rest = "")
            foreach (GeneratedPiece piece in pieces) Assert.That(shown, Does.StartWith(soFar += piece.Text));
        Assert.That(pieces[^1].Result!.FinishReason, Is.EqualTo(script.Contains(stop) ? FinishReason.StopString : FinishReason.EndOfTurn));
    }

    [TestCase("<think>hm.</think>\nyes.", "hm.", "yes.")]
    [TestCase("yes.", "", "yes.")]
    [TestCase("<b>yes.</b>", "", "<b>yes.</b>")]
    [TestCase("<think>hm", "hm", "")]
    [TestCase("\n<think>\nhm.\n</think>\n\nyes, stop it", "hm.", "yes, ")]
    [TestCase("<think>do not stop</think>yes", "do not stop", "yes")]
    public void ThoughtsAreToldFromTheText(string script, string thoughts, string text)
    {
        var decoder = new ScriptedSlot(script);
        List<GeneratedPiece> pieces = Run(decoder, decoder, [ScriptedSlot.Text("?")], new() { StopStrings = ["stop"] },
            newParser: () => new AssistantOutputParser(expectTools: false));
        GenerationResult result = pieces[^1].Result!;
        Assert.That((result.Reasoning, result.Text), Is.EqualTo((thoughts, text)));
        Assert.That((string.Concat(pieces.Select(piece => piece.Reasoning)).Trim(), string.Concat(pieces)), Is.EqualTo((thoughts, text)));
    }

    [Test]
    public void AskingAgainReadsOnlyWhatIsNew()
    {
        var decoder = new ScriptedSlot("yes");
        Slot slot = decoder;
        Run(decoder, slot, [ScriptedSlot.Text("a"), ScriptedSlot.Picture(7), ScriptedSlot.Text("is it?")]);
        int read = decoder.TokensRead;
        List<GeneratedPiece> second =
            Run(decoder, slot, [ScriptedSlot.Text("a"), ScriptedSlot.Picture(7), ScriptedSlot.Text("is he?")]);

        Assert.That(second[^1].Result!.Usage.ReusedTokens, Is.EqualTo(1 + 4 + 3));
        Assert.That(decoder.TokensRead - read, Is.EqualTo(3 + 3), "'he?' and the answer");
        Assert.That(decoder.Tiles, Is.EqualTo(new[] { 7 }));
    }

    [Test]
    public void ThreeQuestionsOnOnePictureEncodeItOnce()
    {
        foreach (string question in new[] { "one", "two", "three" })
        {
            var decoder = new ScriptedSlot("yes");
            Run(decoder, decoder, [ScriptedSlot.Text(question), ScriptedSlot.Picture(7), ScriptedSlot.Text("?")]);
            Assert.That(decoder.Tiles, Has.Count.EqualTo(question == "one" ? 1 : 0), "another conversation has the embeddings already");
        }
    }

    [Test]
    public void TheSamePromptAgainGivesTheSameAnswer([Values] bool recurrent)
    {
        var decoder = new ScriptedSlot("yes", recurrent: recurrent);
        Slot slot = decoder;
        PromptPart[] prompt = [ScriptedSlot.Text("is it?"), ScriptedSlot.Picture(1)];
        string first = string.Concat(Run(decoder, slot, prompt));
        Assert.That(string.Concat(Run(decoder, slot, prompt)), Is.EqualTo(first));
        Assert.That(slot.Timeline.Tokens, Is.EqualTo(decoder.Length));
    }

    [Test]
    public void AConversationContinuesWhereItStopped([Values] bool recurrent)
    {
        var decoder = new ScriptedSlot("yes", recurrent: recurrent);
        Slot slot = decoder;
        Run(decoder, slot, [ScriptedSlot.Text("is it?")]);
        List<GeneratedPiece> next = Run(decoder, slot, [ScriptedSlot.Text("is it?yes and now?")]);
        Assert.That(next[^1].Result!.Usage.ReusedTokens, Is.EqualTo("is it?yes".Length));
    }

    [Test]
    public void ARecurrentModelGoesBackToThePictureOrToTheEndOfTheQuestion()
    {
        var decoder = new ScriptedSlot("yes", recurrent: true);
        Slot slot = decoder;
        PromptPart[] Ask(string question) => [ScriptedSlot.Text("look"), ScriptedSlot.Picture(1), ScriptedSlot.Text(question)];
        int Reused(string question) => Run(decoder, slot, Ask(question))[^1].Result!.Usage.ReusedTokens;

        Assert.That(Reused("is it red or is it not?"), Is.Zero);
        Assert.That(Reused("does it fly or does it not?"), Is.EqualTo("look".Length + 4), "another question on the same picture");
        Assert.That(Reused("does it fly or does it not?no, why?"), Is.EqualTo("look".Length + 4 + "does it fly or does it ".Length),
            "the answer was not kept, the question was");
        Assert.That(slot.Timeline.Tokens, Is.EqualTo(decoder.Length));
    }

    [Test]
    public void ARecurrentModelThatIsCancelledGoesBackToWhatIsWhole()
    {
        var decoder = new ScriptedSlot("a very long answer", recurrent: true);
        Slot slot = decoder;
        using var cancel = new CancellationTokenSource();
        PromptPart[] prompt = [ScriptedSlot.Text("what is in this picture?")];
        decoder.OnRead = read =>
        {
            if (read == 30) cancel.Cancel();
        };
        Assert.That(() => Run(decoder, slot, prompt, cancellationToken: cancel.Token), Throws.InstanceOf<OperationCanceledException>());
        Assert.That(slot.Timeline.Tokens, Is.EqualTo(decoder.Length).And.EqualTo("what is in this pict".Length));
        decoder.OnRead = null;
        Assert.That(string.Concat(Run(decoder, slot, prompt)), Is.EqualTo("a very long answer"));
    }

    [Test]
    public void CheckpointsOfALongConversationStaySpreadOverIt()
    {
        var decoder = new ScriptedSlot("", recurrent: true);
        var checkpoints = new Checkpoints(decoder);
        for (int i = 1; i <= 100; i++)
        {
            decoder.Read([1], wantsLogits: false, default);
            checkpoints.Add();
        }

        Assert.That(checkpoints.ReturnTo(100), Is.EqualTo(100));
        int[] places = [.. new[] { 99, 80, 60, 40 }.Select(length => checkpoints.ReturnTo(length))];
        Assert.That(places, Is.Ordered.Descending);
        for (int i = 0; i < places.Length; i++) Assert.That(places[i], Is.InRange(new[] { 99, 80, 60, 40 }[i] - 30, 99));
        Assert.That(checkpoints.ReturnTo(0), Is.Zero);
    }

    [Test]
    public void CancellingTakesEffectWithinOneTokenAndLeavesTheSlotUsable()
    {
        var decoder = new ScriptedSlot("a very long answer");
        Slot slot = decoder;
        using var cancel = new CancellationTokenSource();
        int pieces = 0;
        Assert.That(() => Run(decoder, slot, [ScriptedSlot.Text("?")], emit: _ =>
        {
            if (++pieces == 3) cancel.Cancel();
        }, cancellationToken: cancel.Token), Throws.InstanceOf<OperationCanceledException>());
        Assert.That(pieces, Is.EqualTo(3));
        Assert.That(decoder.TokensRead, Is.EqualTo("?".Length + 2), "the third token was not read any more");
        Assert.That(slot.Timeline.Tokens, Is.EqualTo(decoder.Length));
        Assert.That(string.Concat(Run(decoder, slot, [ScriptedSlot.Text("?")])), Is.EqualTo("a very long answer"));
    }

    [Test]
    public void ACancelledPromptReadsNoFurtherBatchAndEncodesNoFurtherPicture()
    {
        var decoder = new ScriptedSlot("yes");
        Slot slot = decoder;
        using var cancel = new CancellationTokenSource();
        PromptPart[] prompt = [ScriptedSlot.Picture(1), ScriptedSlot.Text("what is in this picture?"), ScriptedSlot.Picture(2)];
        decoder.OnRead = read =>
        {
            if (read == 4 + 4) cancel.Cancel();
        };
        Assert.That(() => Run(decoder, slot, prompt, cancellationToken: cancel.Token), Throws.InstanceOf<OperationCanceledException>());
        Assert.That(decoder.TokensRead, Is.EqualTo(4 + 4), "one picture and one batch");
        Assert.That(decoder.Tiles, Is.EqualTo(new[] { 1 }));
        decoder.OnRead = null;
        Assert.That(Run(decoder, slot, prompt)[^1].Result!.Usage.ReusedTokens, Is.EqualTo(4 + 4), "what was read is not read again");
    }

    [Test]
    public void LogProbabilitiesComeWithTheirTokens()
    {
        var decoder = new ScriptedSlot("ab");
        List<GeneratedPiece> pieces =
            Run(decoder, decoder, [ScriptedSlot.Text("?")], new() { LogProbabilities = 2, StopStrings = ["abc"] });
        Assert.That(pieces.Sum(piece => piece.Scores.Count), Is.EqualTo(2));
        TokenScore score = pieces[^1].Result!.Scores[0];
        Assert.That(score.Token, Is.EqualTo('a'));
        Assert.That(score.LogProbability, Is.EqualTo(10 - Math.Log(Math.Exp(10) + 127)).Within(1e-5));
        Assert.That(score.Alternatives, Has.Count.EqualTo(2));
        Assert.That(score.Alternatives[0].Token, Is.EqualTo('a'));
    }

    [Test]
    public async Task AReaderThatLeavesEndsTheWork()
    {
        var decoder = new ScriptedSlot(new string('x', 500));
        Slot slot = decoder;
        decoder.OnRead = read => Thread.Sleep(read > 10 ? 1 : 0);
        int seen = 0;
        await foreach (GeneratedPiece _ in PieceStream.Run(
            (emit, stop) => Run(decoder, slot, [ScriptedSlot.Text("?")], emit: emit, cancellationToken: stop), default))
        {
                if (++seen == 5) break;
        }

        Assert.That(decoder.TokensRead, Is.LessThan(400));
    }

    [Test]
    public void AFailureReachesTheReader()
    {
        async Task ReadAll()
        {
            await foreach (GeneratedPiece _ in PieceStream.Run((_, _) => throw new UnsupportedModelException("no"), default))
            {
                Assert.Fail(
                    "no piece");
            }
        }

        Assert.That(ReadAll, Throws.TypeOf<UnsupportedModelException>());
    }

    [Test]
    public void TheEmbeddingCacheForgetsWhatWasNotUsedForLongest()
    {
        var cache = new EmbeddingCache(2 * 100 * sizeof(float));
        bool Encoded(int picture)
        {
            cache.GetOrEncode(new PictureKey((UInt128)picture), 0, () => new float[100], out bool encoded);
            return encoded;
        }

        Assert.That((Encoded(1), Encoded(2), Encoded(1), Encoded(3)), Is.EqualTo((true, true, false, true)));
        Assert.That((Encoded(1), Encoded(2)), Is.EqualTo((false, true)));
    }

    private List<GeneratedPiece> Run(
        ScriptedSlot decoder, Slot slot, PromptPart[] prompt, GenerationOptions? options = null, Action<GeneratedPiece>? emit = null,
        Func<AssistantOutputParser>? newParser = null, CancellationToken cancellationToken = default)
    {
        var pieces = new List<GeneratedPiece>();
        var generator = new Generator(new PromptReader(_embeddings, batchSize: 4), ScriptedSlot.Tokenizer);
        var sampler = new Sampler(SamplerOptions.Greedy, decoder.Logits.Length);
        generator.Run(slot, prompt, new TokenStream(ScriptedSlot.Tokenizer), newParser?.Invoke(), sampler, options ?? GenerationOptions.Default, piece =>
        {
            pieces.Add(piece);
            emit?.Invoke(piece);
        }, cancellationToken);
        return pieces;
    }
}
