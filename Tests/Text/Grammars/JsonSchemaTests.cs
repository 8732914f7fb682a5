using System.Globalization;
using System.Text;
using System.Text.Json;
using TinyMllm.Loaders.Text.Grammars;
using TinyMllm.Loaders.Text.Grammars.JsonSchema;

namespace TinyMllm.Tests.Text.Grammars;

public class JsonSchemaTests
{
    [TestCase("{}", "1|\"a\"|[1, {\"a\": null}]|{\"x\": [true, false, -1.5e10]}|{ }", "|a|{a: 1}|[1,]|01|\"\n\"|nul")]
    [TestCase("""{"type": "integer"}""", "0|-12|9", "1.5|01|--1|a")]
    [TestCase("""{"type": "number"}""", "0|-1.25|1e5|3.0E-2", ".5|1.|+1")]
    [TestCase("""{"type": "string"}""", "\"\"|\"a\\n\\u00e9\"|\"日本\"", "a|\"\\q\"|\"a")]
    [TestCase("""{"type": ["boolean", "null"]}""", "true|false|null", "1|\"true\"")]
    [TestCase("""{"enum": ["red", 5, null, {"a": [1]}]}""", "\"red\"|5|null|{\"a\":[1]}", "red|6|\"blue\"")]
    [TestCase("""{"const": "a\"b"}""", "\"a\\\"b\"", "\"ab\"")]
    [TestCase("""{"type": "integer", "minimum": 5, "maximum": 12}""", "5|9|10|12", "4|13|1|05|-5|100")]
    [TestCase("""{"type": "integer", "minimum": -3, "maximum": 14}""", "-3|-1|0|9|14", "-4|15|20|-10")]
    [TestCase("""{"type": "integer", "exclusiveMinimum": 0, "exclusiveMaximum": 3}""", "1|2", "0|3")]
    [TestCase("""{"type": "integer", "minimum": 98}""", "98|99|100|123456", "97|9|-98")]
    [TestCase("""{"type": "integer", "maximum": -5}""", "-5|-10|-999", "-4|0|5")]
    [TestCase("""{"type": "number", "minimum": 0, "maximum": 1}""", "0|1|0.5|0.999", "1.5|2|-0.1|1.01")]
    [TestCase("""{"type": "number", "exclusiveMinimum": 0, "maximum": 10}""", "0.01|10|9.99|1", "0|0.0|10.1|-1")]
    [TestCase("""{"type": "number", "minimum": -2, "exclusiveMaximum": 0}""", "-2|-1.5|-0.1|-1", "0|-2.1|1|-0.0")]
    [TestCase("""{"type": "number", "minimum": 0.5, "maximum": 1.5}""", "0.5|0.50|0.75|1|1.0|1.49|1.5|1.500", "0|0.49|0.4999|1.51|1.501|2|-1")]
    [TestCase("""{"type": "number", "exclusiveMinimum": 0.25, "exclusiveMaximum": 0.75}""", "0.26|0.2501|0.3|0.7|0.74|0.7499", "0|0.25|0.250|0.75|0.750|0.8|0.1|1")]
    [TestCase("""{"type": "number", "minimum": -1.25, "maximum": 2.5}""", "-1.25|-1.2|-1|0|0.99|2.5|2.49|2", "-1.26|-2|2.51|3")]
    [TestCase("""{"type": "number", "maximum": -0.5}""", "-0.5|-1|-12.75", "0|-0.4|-0.49|1")]
    [TestCase("""{"type": "string", "minLength": 2, "maxLength": 3}""", "\"ab\"|\"a\\n\"|\"日本語\"", "\"a\"|\"abcd\"")]
    [TestCase("""{"type": "string", "pattern": "^[A-Z]{2}-\\d+(x|yz)?$"}""", "\"AB-1\"|\"CD-22yz\"", "\"A-1\"|\"AB-\"|\"AB-1z\"")]
    [TestCase("""{"type": "string", "pattern": "b+"}""", "\"b\"|\"abbc\"", "\"ac\"|\"\"")]
    [TestCase("""{"type": "string", "pattern": "^[^a\"]\\.\\w[\\\\]$"}""", "\"b.x\\\\\"|\"é._\\\\\"", "\"a.x\\\\\"|\"bxx\\\\\"")]
    [TestCase("""{"type": "string", "pattern": "^(?:[!-~])$"}""", "\"a\"|\"!\"|\"]\"", "\" \"|\"\"")]
    [TestCase("""{"type": "string", "format": "date"}""", "\"2026-11-22\"", "\"2026-13-01\"|\"22.11.2026\"|\"2026-1-1\"|\"2026-02-30\"|\"2026-11-31\"|\"0000-01-01\"")]
    [TestCase("""{"type": "string", "format": "time"}""", "\"05:00:00\"|\"23:59:59.1234567\"", "\"24:00:00\"|\"05:00\"|\"05:00:00Z\"")]
    [TestCase("""{"type": "string", "format": "date-time"}""", "\"2026-11-22T05:00:00Z\"|\"2026-11-22T23:59:59.123+01:00\"", "\"2026-11-22\"|\"2026-11-22T25:00:00Z\"|\"2026-11-22T05:00:00\"|\"2026-11-22T05:00:00+15:00\"")]
    [TestCase("""{"type": "string", "format": "uuid"}""", "\"123e4567-e89b-12d3-a456-426614174000\"", "\"123\"")]
    [TestCase("""{"type": "array", "items": {"type": "integer"}}""", "[]|[1]|[1, 2,3]", "[\"a\"]|[1,]|1")]
    [TestCase("""{"type": "array", "items": {"type": "integer"}, "minItems": 2, "maxItems": 3}""", "[1,2]|[1,2,3]", "[]|[1]|[1,2,3,4]")]
    [TestCase("""{"type": "array", "maxItems": 1}""", "[]|[1]|[{}]", "[1,2]")]
    [TestCase("""{"type": "array", "maxItems": 0}""", "[]", "[1]")]
    [TestCase("""{"prefixItems": [{"type": "string"}, {"type": "integer"}]}""", "[\"a\", 1]", "[1]|[\"a\"]|[\"a\", 1, 2]")]
    [TestCase("""{"properties": {"a": {"type": "integer"}, "b": {"type": "string"}}, "required": ["a"]}""", "{\"a\": 1}|{\"a\":1, \"b\":\"x\"}", "{}|{\"b\":\"x\"}|{\"a\":1,}|{\"a\":1,\"c\":2}|{\"b\":\"x\",\"a\":1}")]
    [TestCase("""{"properties": {"a": {}, "b": {}, "c": {}}}""", "{}|{\"a\":1}|{\"b\":1}|{\"a\":1,\"c\":2}|{\"a\":1,\"b\":2,\"c\":3}|{\"b\":1,\"c\":1}", "{\"b\":1,\"a\":1}|{,\"a\":1}|{\"d\":1}")]
    [TestCase("""{"properties": {"ab": {"type": "integer"}}, "required": ["ab"], "additionalProperties": {"type": "boolean"}}""", "{\"ab\":1}|{\"ab\":1,\"x\":true}|{\"ab\":1,\"a\":true,\"abc\":false,\"b\":true}|{\"ab\":1,\"\":true}", "{\"x\":true}|{\"ab\":1,\"x\":1}|{\"ab\":1,\"ab\":true}")]
    [TestCase("""{"type": "object", "additionalProperties": {"type": "integer"}}""", "{}|{\"a\":1,\"b\":2}", "{\"a\":\"x\"}")]
    [TestCase("""{"type": "object"}""", "{}|{\"a\":[{}]}", "[]")]
    [TestCase("""{"type": "object", "properties": {}}""", "{}|{ }", "[]|{\"a\":1}")]
    [TestCase("""{"type": "object", "properties": {}, "additionalProperties": true}""", "{}|{\"a\":1}", "[]")]
    [TestCase("""{"anyOf": [{"type": "integer"}, {"type": "string", "maxLength": 1}]}""", "1|\"a\"", "\"ab\"|true")]
    [TestCase("""{"allOf": [{"$ref": "#/$defs/a"}, {"properties": {"y": {"type": "null"}}, "required": ["y"]}], "$defs": {"a": {"properties": {"x": {"type": "integer"}}, "required": ["x"]}}}""", "{\"x\":1,\"y\":null}", "{\"x\":1}|{\"y\":null}")]
    [TestCase("""{"$ref": "#/$defs/tree", "$defs": {"tree": {"type": "object", "properties": {"v": {"type": "integer"}, "kids": {"type": "array", "items": {"$ref": "#/$defs/tree"}}}, "required": ["v"]}}}""", "{\"v\":1}|{\"v\":1,\"kids\":[{\"v\":2,\"kids\":[]},{\"v\":3}]}", "{}|{\"v\":1,\"kids\":[{}]}")]
    [TestCase("""{"type": "object", "properties": {"a b": {"type": "integer"}, "a-b": {"type": "string"}, "rest-0": {"type": "null"}}}""", "{\"a b\":1,\"a-b\":\"x\",\"rest-0\":null}", "{\"a b\":\"x\"}|{\"a-b\":1}")]
    [TestCase("""{"required": ["kind"], "anyOf": [{"properties": {"kind": {"const": "a"}, "x": {"type": "integer"}}, "required": ["x"]}, {"properties": {"kind": {"const": "b"}}}]}""",
        "{\"kind\":\"a\",\"x\":1}|{\"kind\":\"b\"}", "{\"x\":1}|{}|{\"kind\":\"c\"}|{\"kind\":\"b\",\"x\":1}")]
    [TestCase("""{"properties": {"data": {"$schema": "s", "type": "array", "items": {"properties": {"kids": {"type": "array", "items": {"$ref": "#/items"}}}, "required": ["kids"]}}}, "required": ["data"]}""",
        "{\"data\":[]}|{\"data\":[{\"kids\":[{\"kids\":[]}]}]}", "{\"data\":[{}]}|{\"data\":[{\"kids\":[1]}]}")]
    [TestCase("""{"type": "string", "nullable": true}""", "\"a\"|null", "1")]
    [TestCase("""{"type": ["string", "integer"], "minLength": 2, "minimum": 5}""", "\"ab\"|5", "\"a\"|4")]
    [TestCase("""{"type": "string", "not": {"enum": ["x", "yes", 5]}}""", "\"\"|\"y\"|\"xx\"|\"yesterday\"|\"no\"", "\"x\"|\"yes\"")]
    [TestCase("""{"type": "string", "not": {"const": "no"}, "minLength": 2, "maxLength": 3}""", "\"yes\"|\"nob\"|\"on\"|\"nn\"", "\"no\"|\"n\"|\"\"|\"nope\"|\"some\"")]
    [TestCase("""{"type": "string", "not": {"enum": ["ab", ""]}, "maxLength": 2}""", "\"a\"|\"b\"|\"aa\"|\"ba\"", "\"ab\"|\"\"|\"aba\"")]
    [TestCase("""{"type": ["string", "null"], "not": {"enum": [null, "x"]}}""", "\"y\"", "null|\"x\"")]
    [TestCase("""{"type": "boolean", "not": {"const": true}}""", "false", "true")]
    [TestCase("""{"type": "integer", "not": {"enum": [0, 13, -2, "x"]}}""", "1|12|14|-1|-3|130", "0|13|-2|-0")]
    [TestCase("""{"type": "integer", "minimum": -1, "maximum": 3, "not": {"enum": [3, 0, 8]}}""", "-1|1|2", "3|0|4|-2|8")]
    [TestCase("""{"type": "number", "minimum": 0, "not": {"const": 1.5}}""", "0|1.49|1.51|1|2|15", "1.5|1.50|-1")]
    [TestCase("""{"type": "object", "minProperties": 1, "additionalProperties": {"type": "integer"}}""", "{\"a\":1}|{\"a\":1,\"b\":2}", "{}|{\"a\":\"x\"}")]
    [TestCase("""{"type": "object", "minProperties": 1, "maxProperties": 2}""", "{\"a\":1}|{\"a\":1,\"b\":[]}", "{}|{\"a\":1,\"b\":2,\"c\":3}")]
    [TestCase("""{"type": "object", "minProperties": 1, "properties": {"a": {}, "b": {}}}""", "{\"a\":1}|{\"b\":1}|{\"a\":1,\"b\":2}", "{}")]
    [TestCase("""{"type": "string", "pattern": "^[A-Z][a-z]*$", "minLength": 3, "maxLength": 5}""", "\"Abc\"|\"Abcde\"", "\"Ab\"|\"Abcdef\"|\"abc\"")]
    [TestCase("""{"type": "string", "pattern": "^[a-z]{2,5000}$", "maxLength": 3}""", "\"ab\"|\"abc\"", "\"a\"|\"abcd\"")]
    [TestCase("""{"type": "string", "pattern": "^(ab)+$", "maxLength": 3}""", "\"ab\"|\"abab\"", "\"a\"|\"aba\"", Description = "the pattern alone counts")]
    [TestCase("""{"type": "number", "minimum": "0.5", "maximum": "79228162514264337593543950335"}""", "0.5|100", "0.4|-1", Description = "[Range(typeof(decimal), …)]")]
    public void Texts_match_or_not(string schema, string accepted, string rejected)
    {
        var grammar = Grammar.FromJsonSchema(schema);
        foreach (string text in accepted.Split('|')) Assert.That(grammar.Matches(text), Is.True, $"'{text}' in\n{grammar.Text}");
        foreach (string text in rejected.Split('|')) Assert.That(grammar.Matches(text), Is.False, $"'{text}' in\n{grammar.Text}");
    }

    /// <summary>What a grammar cannot count is not counted; what says nothing about the form is not read.</summary>
    [TestCase("""{"type": "number", "minimum": 0, "maximum": 1.7976931348623157E+308}""", "0|100000|123456.75", "-1|-0.1")]
    [TestCase("""{"type": "number", "minimum": -1.7976931348623157E+308, "maximum": 0}""", "0|-5.5", "1")]
    [TestCase("""{"type": "number", "exclusiveMinimum": 5e-324}""", "0.1|3", "-1|0")]
    [TestCase("""{"type": "integer", "minimum": 0, "maximum": 9223372036854775807}""", "0|1234567890123456", "-1|1.5")]
    [TestCase("""{"type": "integer", "minimum": 1e400}""", "0|5|-5", "a")]
    [TestCase("""{"type": "string", "maxLength": 4000}""", "\"\"|\"abc\"", "abc|5")]
    [TestCase("""{"type": "string", "minLength": 2, "maxLength": 1e99}""", "\"abc\"", "\"a\"")]
    [TestCase("""{"type": "array", "items": {"type": "integer"}, "minItems": 1.0, "maxItems": 99999999}""", "[1]|[1,2,3]", "[]|[\"a\"]")]
    [TestCase("""{"type": "string", "pattern": "^[a-z]{1,5000}$"}""", "\"a\"|\"abc\"", "\"\"|\"A\"")]
    [TestCase("""{"type": "string", "pattern": "^(([a-c]{1,100}){1,100}){2}$"}""", "\"ab\"|\"abc\"", "\"a\"|\"abd\"")]
    [TestCase("""{"type": "integer", "x-note": 1, "strict": true, "if-so": [], "markdownDescription": "a", "examples": 5, "deprecated": 1}""", "5", "a")]
    [TestCase("""{"type": "string", "minimum": "2020-01-01", "maximum": "2030-01-01", "minItems": 3, "multipleOf": 2}""", "\"a\"", "5")]
    [TestCase("""{"type": "object", "additionalProperties": {"type": "integer"}, "minItems": 1, "pattern": "x", "maxLength": -3}""", "{}|{\"a\":1}", "{\"a\":null}")]
    public void Bounds_beyond_counting_and_what_is_no_bound_do_not_matter(string schema, string accepted, string rejected) =>
        Texts_match_or_not(schema, accepted, rejected);

    /// <summary>Four hundred long strings have more repetitions than a grammar holds: the rest is loosened.</summary>
    [TestCase("\"maxLength\": {1}")]
    [TestCase("\"minLength\": 2, \"maxLength\": {1}, \"not\": {{\"const\": \"text {0}\"}}")]
    [TestCase("\"pattern\": \"^a{0}[b-d]{{2,{1}}}$\"")]
    public void Many_bounds_are_no_error(string bounds)
    {
        string properties = string.Join(',', Enumerable.Range(0, 400).Select(i =>
            $"\"p{i}\": {{\"type\": \"string\", {string.Format(CultureInfo.InvariantCulture, bounds, i, 1500 + i)}}}"));
        var grammar = Grammar.FromJsonSchema($"{{\"type\": \"object\", \"properties\": {{{properties}}}}}");
        Assert.That(grammar.Matches("{\"p7\": \"a7bcd\", \"p399\": \"a399bcd\"}"), Is.True);
        Assert.That(grammar.Matches("{\"p7\": 7}"), Is.False);
    }

    [TestCase("{}", "{\"a\": [1, 2 ] }")]
    [TestCase("""{"type": "object"}""", "{ \"a\" : null }")]
    [TestCase("""{"properties": {"a": {"type": "integer"}}, "required": ["a"]}""", "{ \"a\": 1 }")]
    [TestCase("""{"type": "array", "items": {"type": "boolean"}}""", "[ true , false ]")]
    [TestCase("""{"prefixItems": [{"type": "string"}]}""", "[\"a\" ]")]
    [TestCase("""{"type": "string"}""", "\"a\"")]
    [TestCase("""{"type": "integer", "minimum": 5}""", "12")]
    [TestCase("""{"enum": ["red"]}""", "\"red\"")]
    [TestCase("""{"type": "string", "format": "date"}""", "\"2026-11-22\"")]
    public void Blanks_stand_inside_only(string schema, string text)
    {
        var grammar = Grammar.FromJsonSchema(schema);
        Assert.That(grammar.Matches(text), Is.True);
        Assert.That((grammar.Matches(text + " "), grammar.Matches(" " + text), grammar.Matches(text + "\n")), Is.EqualTo((false, false, false)));
    }

    [TestCase("{", "not JSON")]
    [TestCase("false", "#: expected a schema, found false")]
    [TestCase("""{"type": "colour"}""", "#: type 'colour' is not known")]
    [TestCase("""{"not": {}}""", "#: keyword 'not' is not supported here")]
    [TestCase("""{"properties": {"a": {"type": "integer", "multipleOf": 3}}}""", "#/properties/a: keyword 'multipleOf' is not supported here")]
    [TestCase("""{"type": "array", "uniqueItems": true}""", "#: 'uniqueItems' is not supported")]
    [TestCase("""{"$ref": "#/nowhere"}""", "#: reference '#/nowhere' leads nowhere")]
    [TestCase("""{"$ref": "http://x/y"}""", "leaves the schema")]
    [TestCase("""{"$ref": "#"}""", "left-recursive")]
    [TestCase("""{"type": "string", "pattern": "(?=a)"}""", "#: pattern, character 2: only plain and '(?:' groups are supported")]
    [TestCase("""{"type": "string", "pattern": "a(b"}""", "'(' without ')'")]
    [TestCase("""{"type": "string", "pattern": "\\bx"}""", "'\\b' is not supported")]
    [TestCase("""{"type": "integer", "minimum": 5, "maximum": 4}""", "no integer lies between the bounds")]
    [TestCase("""{"type": "number", "minimum": 0.5, "maximum": 0.25}""", "no number lies between the bounds")]
    [TestCase("""{"type": "number", "minimum": 0.5, "exclusiveMaximum": 0.5}""", "no number lies between the bounds")]
    [TestCase("""{"required": ["a"], "anyOf": [{"type": "string"}]}""", "supported for schemas of objects only")]
    [TestCase("""{"type": "array", "minItems": -1}""", "'minItems' must be a whole number, at least 0")]
    [TestCase("""{"type": "array", "minItems": 1.5}""", "'minItems' must be a whole number, at least 0")]
    [TestCase("""{"type": "string", "maxLength": "5"}""", "'maxLength' must be a whole number, at least 0")]
    [TestCase("""{"type": "integer", "minimum": "soon"}""", "'minimum' must be a number")]
    [TestCase("""{"type": "string", "not": {"pattern": "a"}}""", "keyword 'not' is supported for single values (enum, const) only")]
    [TestCase("""{"type": "boolean", "not": {"enum": [true, false]}}""", "every boolean is excluded")]
    [TestCase("""{"type": "integer", "minimum": 1, "maximum": 2, "not": {"enum": [1, 2]}}""", "no integer lies between the bounds")]
    [TestCase("""{"type": "object", "patternProperties": {}}""", "keyword 'patternProperties' is not supported here")]
    [TestCase("""{"type": "object", "minProperties": 3, "maxProperties": 2}""", "'maxProperties' is less than 'minProperties'")]
    [TestCase("""{"enum": []}""", "'enum' needs a list of values")]
    [TestCase("""{"required": 3}""", "'required' must be a list of names")]
    public void What_cannot_be_done_is_said(string schema, string problem) =>
        Assert.That(Assert.Throws<GrammarException>(() => Grammar.FromJsonSchema(schema))!.Message, Does.Contain(problem));

    /// <summary>Python writes the same values with other words.</summary>
    [Test]
    public void Pythons_literals_are_json_with_other_words()
    {
        var converter = new JsonSchemaConverter(LiteralWords.Python);
        const string schema = """
            {"$defs": {"size": {"type": "integer", "maximum": 5, "minimum": 1}}, "properties": {"a": {"type": ["boolean", "null"]}, "b": {"enum": [true, null, "x", [false, {"k": null}]]},
             "c": {"$ref": "#/$defs/size"}, "d": {}, "e": {"type": "boolean", "not": {"const": true}}, "f": {"not": {}}}}
            """;
        foreach (var (parameter, accepted, rejected) in new[]
        {
            ("a", "True|False|None", "true|null"), ("b", "True|None|\"x\"|[False, {\"k\": None}]", "true|'x'"), ("c", "1|5", "6|True"),
            ("d", "[True, {\"a\": None}]|\"a\"", "true"), ("e", "False", "True|false"),
        })
        {
            string rule = converter.Add(schema, "value-" + parameter, "properties", parameter);
            var grammar = Grammar.Parse($"root ::= {rule}\n{GbnfText.Grammar(converter.Rules)}");
            foreach (string text in accepted.Split('|')) Assert.That(grammar.Matches(text), Is.True, $"{parameter}: {text}");
            foreach (string text in rejected.Split('|')) Assert.That(grammar.Matches(text), Is.False, $"{parameter}: {text}");
        }

        string[] rules = [.. converter.Rules.Select(one => one.Key)];
        Assert.That(() => converter.Add(schema, "value-f", "properties", "f"), Throws.TypeOf<GrammarException>().With.Message.Contains("#/properties/f"));
        Assert.That(converter.Rules.Select(one => one.Key), Is.EqualTo(rules), "what fails leaves nothing behind");
    }

    [Test]
    public void Integer_ranges_hold_exactly_their_numbers()
    {
        var random = new Random(4);
        for (int round = 0; round < 60; round++)
        {
            int low = random.Next(-1300, 1300), high = low + random.Next(0, random.Next(1, 1500));
            var grammar = Grammar.FromJsonSchema($$"""{"type": "integer", "minimum": {{low}}, "maximum": {{high}}}""");
            for (int value = low - 30; value <= high + 30; value += random.Next(1, 9))
                Assert.That(grammar.Matches($"{value}"), Is.EqualTo(value >= low && value <= high), $"{value} in {low}..{high}");
            Assert.That((grammar.Matches($"{low}"), grammar.Matches($"{high}"), grammar.Matches($"{low - 1}"), grammar.Matches($"{high + 1}")), Is.EqualTo((true, true, false, false)));
        }
    }

    [Test]
    public void Number_ranges_hold_exactly_their_numbers()
    {
        var random = new Random(7);
        for (int round = 0; round < 200; round++)
        {
            decimal low = random.Next(-3000, 3000) / 100m, high = low + random.Next(0, random.Next(1, 2000)) / 100m;
            bool lowExcluded = random.Next(2) == 0, highExcluded = low != high && random.Next(2) == 0;
            if (low == high) lowExcluded = false;
            string schema = string.Create(CultureInfo.InvariantCulture,
                $$"""{"type": "number", "{{(lowExcluded ? "exclusiveMinimum" : "minimum")}}": {{low}}, "{{(highExcluded ? "exclusiveMaximum" : "maximum")}}": {{high}}}""");
            var grammar = Grammar.FromJsonSchema(schema);
            for (decimal value = low - 0.3m; value <= high + 0.3m; value += random.Next(1, 60) / 1000m) Check(value);
            foreach (decimal value in new[] { low, high, low - 0.001m, low + 0.001m, high - 0.001m, high + 0.001m, decimal.Floor(low), decimal.Ceiling(high) })
                Check(value);

            void Check(decimal value)
            {
                bool inside = (lowExcluded ? value > low : value >= low) && (highExcluded ? value < high : value <= high);
                string text = value.ToString(CultureInfo.InvariantCulture);
                Assert.That(grammar.Matches(text), Is.EqualTo(inside), $"{text} in {schema}");
            }
        }
    }

    /// <summary>Random walks through the grammar of a rich schema give JSON that the schema allows.</summary>
    [Test]
    public void Whatever_the_grammar_makes_is_json_of_the_schema()
    {
        const string schema = """
            {"type": "object", "required": ["id", "tags", "kind"], "properties": {
              "id": {"type": "integer", "minimum": 1, "maximum": 999}, "kind": {"enum": ["cat", "dog"]},
              "tags": {"type": "array", "minItems": 1, "maxItems": 3, "items": {"type": "string", "minLength": 1, "maxLength": 4}},
              "score": {"type": "number", "minimum": -1, "maximum": 1}, "when": {"type": "string", "format": "date"},
              "next": {"anyOf": [{"type": "null"}, {"type": "object", "properties": {"x": {"type": "boolean"}}, "required": ["x"]}]},
              "any": {}}}
            """;
        var grammar = Grammar.FromJsonSchema(schema);
        var random = new Random(6);
        for (int round = 0; round < 100; round++)
        {
            string text = Walk(grammar, random);
            using var document = JsonDocument.Parse(text);
            JsonElement value = document.RootElement;
            Assert.That(value.GetProperty("id").GetInt32(), Is.InRange(1, 999), text);
            Assert.That(value.GetProperty("kind").GetString(), Is.AnyOf("cat", "dog"), text);
            Assert.That(value.GetProperty("tags").GetArrayLength(), Is.InRange(1, 3), text);
            Assert.That(value.GetProperty("tags").EnumerateArray().Select(tag => new StringBuilder(tag.GetString()).ToString().EnumerateRunes().Count()), Is.All.InRange(1, 4), text);
            if (value.TryGetProperty("score", out JsonElement score)) Assert.That(score.GetDouble(), Is.InRange(-1, 1), text);
            if (value.TryGetProperty("when", out JsonElement when)) Assert.That(when.GetString(), Does.Match(@"^\d{4}-\d\d-\d\d$"), text);
            if (value.TryGetProperty("next", out JsonElement next) && next.ValueKind != JsonValueKind.Null) Assert.That(next.GetProperty("x").ValueKind, Is.AnyOf(JsonValueKind.True, JsonValueKind.False), text);
        }
    }

    /// <summary>A random text of the grammar: random steps, then the shortest way to the end.</summary>
    private static string Walk(Grammar grammar, Random random)
    {
        var automaton = new GrammarAutomaton(grammar);
        GrammarState state = automaton.Start;
        var text = new StringBuilder();
        const string alphabet = " \n\t!\"#,-./0123456789:\\ETZ[]abcdefghijklmnopqrstuvwxyz{}é日";
        for (int step = random.Next(400); step > 0; step--)
        {
            (char Character, GrammarState State)[] ways = [.. alphabet.Select(c => (c, automaton.Next(state, c))).Where(way => way.Item2 is not null).Select(way => (way.c, way.Item2!))];
            if (ways.Length == 0) break;
            var (character, next) = ways[random.Next(ways.Length)];
            text.Append(character);
            state = next;
        }

        var queue = new Queue<(GrammarState State, string End)>([(state, "")]);
        HashSet<GrammarState> seen = [state];
        while (queue.TryDequeue(out var place))
        {
            if (place.State.IsComplete) return text + place.End;
            foreach (char c in alphabet)
            {
                if (automaton.Next(place.State, c) is { } next && seen.Add(next)) queue.Enqueue((next, place.End + c));
            }
        }

        throw new InvalidOperationException($"no way to the end from '{text}'");
    }
}
