using BenchmarkDotNet.Attributes;
using TinyMllm.Engine.Sampling;
using TinyMllm.Loaders.Text.Grammars;
using TinyMllm.Loaders.Text.Tokenizers;

namespace TinyMllm.Bench;

/// <summary>
/// Holding an answer to a JSON schema: what is paid once for a vocabulary, once for a request, and for each token. The answer is a receipt of
/// three items, cut by the vocabulary's own tokenizer.
/// </summary>
[MemoryDiagnoser(displayGenColumns: false)]
public class GrammarBenchmarks
{
    private const string Schema = """
        {"type": "object", "properties": {
          "shop": {"type": "string"}, "date": {"type": "string", "format": "date"}, "total": {"type": "number", "minimum": 0},
          "items": {"type": "array", "items": {"type": "object", "properties": {
            "name": {"type": "string", "maxLength": 60}, "count": {"type": "integer", "minimum": 1, "maximum": 99}, "price": {"type": "number"}},
            "required": ["name", "price"]}}, "currency": {"enum": ["EUR", "USD", "GBP"]}},
         "required": ["shop", "date", "items", "total"]}
        """;

    private const string Answer = """
        {"shop": "Bäckerei Müller", "date": "2026-11-22", "total": 12.85, "items": [{"name": "Rye bread", "price": 4.20},
        {"name": "Croissant", "price": 1.95, "count": 3}, {"name": "Coffee to go", "price": 2.8}], "currency": "EUR"}
        """;

    private Tokenizer _tokenizer = null!;
    private Grammar _grammar = null!;
    private ITokenConstraint _warm = null!;
    private int[] _answer = [];
    private float[] _logits = [];

    /// <summary>The vocabulary: 50 thousand tokens and 152 thousand.</summary>
    [Params("gpt-2", "qwen2")]
    public string Vocabulary { get; set; } = "";

    /// <summary>Reads the vocabulary and walks through the answer once.</summary>
    [GlobalSetup]
    public void Setup()
    {
        _tokenizer = TokenizerBenchmarks.LoadTokenizer(Vocabulary);
        _answer = _tokenizer.Encode(Answer.ReplaceLineEndings(""), addSpecial: false, parseSpecial: false);
        _logits = new float[_tokenizer.VocabularySize];
        _grammar = Grammar.FromJsonSchema(Schema);
        _warm = _grammar.CreateConstraint(_tokenizer);
        Walk(_warm);
    }

    /// <summary>Once per vocabulary: the tree of all tokens.</summary>
    [Benchmark]
    public TokenTrie Tree() => new(Enumerable.Range(0, _tokenizer.VocabularySize), _tokenizer.Piece);

    /// <summary>Once per request: the schema becomes a grammar.</summary>
    [Benchmark]
    public Grammar Parse() => Grammar.FromJsonSchema(Schema);

    /// <summary>A whole answer of about 90 tokens, mask and step of each, from a fresh constraint.</summary>
    [Benchmark]
    public void FirstAnswer() => Walk(_grammar.CreateConstraint(_tokenizer));

    /// <summary>The same answer where every state is known.</summary>
    [Benchmark]
    public void AnswerAgain()
    {
        _warm.Reset();
        Walk(_warm);
    }

    private void Walk(ITokenConstraint constraint)
    {
        foreach (int token in _answer)
        {
            constraint.Mask(_logits);
            constraint.Accept(token);
        }
    }
}
