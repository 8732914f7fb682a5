using System.Text;
using TinyMllm.Engine.Sampling;

namespace TinyMllm.Tests.Api;

/// <summary>Constraints that an app brings along.</summary>
[TestFixture]
public sealed class TokenConstraintTests
{
    private const string Question = "What do you see?";

    private VisionLanguageModel _model = null!;

    [OneTimeSetUp]
    public void Load() => _model = Demo.Load();

    [OneTimeTearDown]
    public void Unload() => _model.Dispose();

    [Test]
    public async Task AnAnswerFollowsAConstraintOfTheApps()
    {
        var made = new List<WithoutLetter>();
        var options = new GenerationOptions { MaxTokens = 12, TokenConstraint = vocabulary => Made(new WithoutLetter(vocabulary, 'e'), made) };
        GenerationResult free = await _model.AnswerAsync(Question, Demo.Picture("pizza"));
        GenerationResult first = await _model.AnswerAsync(Question, Demo.Picture("pizza"), options);
        await _model.AnswerAsync(Question, Demo.Picture("pizza"), options);
        Assert.That(free.Text, Does.Contain('e'));
        Assert.That(first.Text, Is.Not.Empty.And.Not.Contains('e'));
        Assert.That(made, Has.Count.EqualTo(2), "each answer has a constraint of its own");
        Assert.That(made[0].Accepted, Is.EqualTo(first.Usage.GeneratedTokens));
    }

    [Test]
    public async Task ItHoldsBesideAGrammar()
    {
        var options = new GenerationOptions { Grammar = "root ::= \"yes\" | \"no\"", TokenConstraint = vocabulary => new WithoutLetter(vocabulary, 'y') };
        Assert.That((await _model.AnswerAsync(Question, Demo.Picture("pizza"), options)).Text, Is.EqualTo("no"));
        options = options with { TokenConstraint = vocabulary => new WithoutLetter(vocabulary, 'n') };
        Assert.That((await _model.AnswerAsync(Question, Demo.Picture("pizza"), options)).Text, Is.EqualTo("yes"));
    }

    private static WithoutLetter Made(WithoutLetter constraint, List<WithoutLetter> made)
    {
        made.Add(constraint);
        return constraint;
    }

    private sealed class WithoutLetter(IVocabulary vocabulary, char letter) : ITokenConstraint
    {
        public int Accepted { get; private set; }

        public bool Allows(int token) => vocabulary.IsEndOfGeneration(token) || !Encoding.UTF8.GetString(vocabulary.Piece(token)).Contains(letter);

        public void Mask(Span<float> logits)
        {
            for (int token = 0; token < logits.Length; token++)
                if (!Allows(token)) logits[token] = float.NegativeInfinity;
        }

        public void Accept(int token) => Accepted++;

        public void Reset() => Accepted = 0;
    }
}
