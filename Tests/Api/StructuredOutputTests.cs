using System.ComponentModel.DataAnnotations;
using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.Extensions.AI;
using TinyMllm.Engine.Sampling;
using TinyMllm.Loaders.Text.Grammars;

namespace TinyMllm.Tests.Api;

/// <summary>
/// The schemas that Microsoft.Extensions.AI makes of .NET types can be followed, and what follows them can be read back: random texts of
/// the grammar of each become values of the type. (A schema does not say how large an <c>int</c> is: integers have up to 16 digits.)
/// </summary>
[TestFixture]
public sealed class StructuredOutputTests
{
    private enum Colour { Red, Green, Blue }

    private sealed record Item([property: System.ComponentModel.Description("What it is")] string Name, double Price, long? Count);

    private sealed record Receipt(string Shop, DateTime Date, List<Item> Items, Colour? Colour, double Total);

    private sealed record Node(string Name, List<Node>? Children);

    private sealed record Everything(
        DateTimeOffset When, DateOnly Day, TimeOnly Time, Guid Id, Uri Link, Dictionary<string, Item> Map, Item? Maybe, Item Sure, char Letter,
        bool? Truth, object Any, long[][] Matrix, HashSet<Colour> Set, JsonElement Raw, string? Text);

    [JsonPolymorphic(TypeDiscriminatorPropertyName = "kind")]
    [JsonDerivedType(typeof(Circle), "circle")]
    [JsonDerivedType(typeof(Square), "square")]
    private abstract record Shape(string Label);

    private sealed record Circle(string Label, double Radius) : Shape(Label);

    private sealed record Square(string Label, double Side) : Shape(Label);

    private sealed class Limits
    {
        [System.ComponentModel.DataAnnotations.Range(1, 10)] public required int Stars { get; set; }

        [System.ComponentModel.DataAnnotations.Range(0.25, 1.5)] public required double Share { get; set; }

        [MaxLength(5)] public required string Code { get; set; }

        [StringLength(4, MinimumLength = 2)] public required string Sign { get; set; }

        [RegularExpression("^[a-c]+x$")] public required string Pattern { get; set; }

        [MinLength(2), MaxLength(3)] public required string[] Tags { get; set; }

        [AllowedValues("x", "y")] public required string? Choice { get; set; }
    }

    /// <summary>Annotations as they stand in ordinary code: bounds that only say "not negative", lengths of database columns.</summary>
    private sealed class Ordinary
    {
        [System.ComponentModel.DataAnnotations.Range(0, double.MaxValue)] public required double Amount { get; set; }

        [System.ComponentModel.DataAnnotations.Range(0, long.MaxValue)] public required long Count { get; set; }

        [System.ComponentModel.DataAnnotations.Range(typeof(decimal), "0.01", "79228162514264337593543950335")]
        public required decimal Price { get; set; }

        [System.ComponentModel.DataAnnotations.Range(1, float.MaxValue)] public required float? Weight { get; set; }

        [StringLength(4000)] public required string Text { get; set; }

        [MaxLength(5000)] public required string Notes { get; set; }

        [MaxLength(5000)] public required List<string> Lines { get; set; }

        [Length(2, 5000)] public required long[] Numbers { get; set; }

        [RegularExpression("^[a-z]{1,5000}$"), StringLength(20, MinimumLength = 2)] public required string Word { get; set; }

        [DeniedValues("x", "no")] public required string Name { get; set; }

        [DeniedValues(0L, 1L)] public required long Level { get; set; }

        [AllowedValues(1L, 2L, 3L)] public required long Kind { get; set; }
    }

    /// <summary>Annotations that the schema does not carry, or that nobody can hold to token by token: they are no error.</summary>
    private sealed class Loose
    {
        [Required, DataType(DataType.MultilineText), Display(Name = "x"), System.ComponentModel.DisplayName("y")]
        public required string Story { get; set; }

        [EmailAddress] public required string Mail { get; set; }

        [Url] public required string Page { get; set; }

        [Phone] public required string Phone { get; set; }

        [CreditCard] public required string Card { get; set; }

        [Base64String] public required string Bytes { get; set; }

        [FileExtensions(Extensions = "png,jpg")] public required string File { get; set; }

        [EnumDataType(typeof(DayOfWeek))] public required long Day { get; set; }

        [Key, Editable(false), ConcurrencyCheck, Timestamp] public required string Version { get; set; }

        [Compare(nameof(Story))] public required string Again { get; set; }

        [MinLength(1)] public required Dictionary<string, long> Map { get; set; }

        [System.ComponentModel.DataAnnotations.Range(typeof(DateTime), "2020-01-01", "2030-01-01")] public required DateTime When { get; set; }

        [System.ComponentModel.DataAnnotations.Range(0, 10, MinimumIsExclusive = true)] public required float Share { get; set; }

        [System.ComponentModel.DefaultValue("d")] public required string Default { get; set; }
    }

    private static readonly JsonSerializerOptions Options = new(AIJsonUtilities.DefaultOptions) { Converters = { new JsonStringEnumConverter() } };

    [TestCase(typeof(long))]
    [TestCase(typeof(string))]
    [TestCase(typeof(bool?))]
    [TestCase(typeof(DateTime))]
    [TestCase(typeof(Guid))]
    [TestCase(typeof(Colour))]
    [TestCase(typeof(List<string>))]
    [TestCase(typeof(Item[]))]
    [TestCase(typeof(List<Node>))]
    [TestCase(typeof(Dictionary<string, List<Item>>))]
    [TestCase(typeof(Receipt))]
    [TestCase(typeof(Node))]
    [TestCase(typeof(Everything))]
    [TestCase(typeof(Shape))]
    [TestCase(typeof(List<Shape>))]
    [TestCase(typeof(Limits))]
    [TestCase(typeof(Ordinary))]
    [TestCase(typeof(Loose))]
    [TestCase(typeof(object))]
    public void WhatFollowsATypesSchemaIsAValueOfTheType(Type type)
    {
        JsonElement schema = Schema(type, out bool wrapped);
        var vocabulary = new Alphabet();
        var grammar = Grammar.FromJsonSchema(schema.GetRawText());
        var random = new Random(3);
        for (int round = 0; round < 25; round++)
        {
            string text = Walk(grammar.CreateConstraint(vocabulary), vocabulary, random);
            var json = JsonElement.Parse(text);
            object? value = (wrapped ? json.GetProperty("data") : json).Deserialize(type, Options);
            if (value is Limits or Ordinary) Validator.ValidateObject(value, new ValidationContext(value), validateAllProperties: true);
        }
    }

    /// <summary>As <c>GetResponseAsync&lt;T&gt;</c> asks: what is no object becomes the property <c>data</c> of one.</summary>
    private static JsonElement Schema(Type type, out bool wrapped)
    {
        JsonElement schema = ChatResponseFormat.ForJsonSchema(type, Options).Schema!.Value;
        wrapped = !(schema.TryGetProperty("type", out JsonElement kind) && kind.ValueKind == JsonValueKind.String && kind.GetString() == "object");
        return !wrapped ? schema : JsonElement.Parse($$"""
            {"$schema": "https://json-schema.org/draft/2020-12/schema", "type": "object", "properties": {"data": {{schema.GetRawText()}}},
             "additionalProperties": false, "required": ["data"]}
            """);
    }

    /// <summary>Random characters that the constraint allows, closing ones with more and more weight, until it is complete.</summary>
    private static string Walk(ITokenConstraint constraint, Alphabet vocabulary, Random random)
    {
        string text = "";
        var logits = new float[vocabulary.Count];
        for (int step = 0; step < 20_000; step++)
        {
            Array.Clear(logits);
            constraint.Mask(logits);
            int[] allowed = [.. Enumerable.Range(0, logits.Length).Where(token => !float.IsNegativeInfinity(logits[token]))];
            int token = allowed.Contains(Alphabet.End) ? Alphabet.End : allowed[random.Next(allowed.Length)];
            int[] closing = [.. allowed.Where(item => Alphabet.Characters[item] is '"' or ']' or '}')];
            if (closing.Length > 0 && random.Next(100) < 25 + step / 10) token = closing[random.Next(closing.Length)];
            if (token == Alphabet.End) return text;
            constraint.Accept(token);
            text += Alphabet.Characters[token];
        }

        throw new InvalidOperationException($"no end: {text[..200]}");
    }

    /// <summary>One token per character.</summary>
    private sealed class Alphabet : IVocabulary
    {
        public const int End = 0;

        public const string Characters = "\0 \"+-.:,/0123456789@TZ[]{}\\_abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRS";

        public int Count => Characters.Length;

        public ReadOnlySpan<byte> Piece(int token) => new[] { (byte)Characters[token] };

        public bool IsEndOfGeneration(int token) => token == End;

        public int[] Tokenize(string text) => [.. text.Select(c => Characters.IndexOf(c, StringComparison.Ordinal))];
    }
}
