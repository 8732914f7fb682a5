namespace TinyMllm.Loaders.Text.Grammars.JsonSchema;

/// <summary>Rules for the parts of JSON that every schema needs, in GBNF.</summary>
internal static class JsonPrimitives
{
    /// <summary>A character of a JSON string that is not an escape, as the inside of a set.</summary>
    public const string PlainCharacters = @"^""\\\x7F\x00-\x1F";

    private static readonly Dictionary<string, string> Rules = new()
    {
        // A blank at most, and only inside of objects and lists: a layout costs tokens, small models do not find the end of one, and
        // whoever reads a value wants no blanks around it.
        ["space"] = "\" \"?",
        ["boolean"] = "", // The notation's words.
        ["null"] = "",
        ["integral-part"] = "[0] | [1-9] [0-9]{0,15}",
        ["decimal-part"] = "[0-9]{1,16}",
        ["integer"] = "\"-\"? integral-part",
        ["number"] = "\"-\"? integral-part (\".\" decimal-part)? ([eE] [-+]? [0-9]{1,3})?",
        ["char"] = $"""[{PlainCharacters}] | "\\" (["\\/bfnrt] | "u" [0-9a-fA-F]{"{4}"})""",
        ["string"] = "\"\\\"\" char* \"\\\"\"",
        ["value"] = "object | array | string | number | boolean | null",
        ["member"] = """string space ":" space value space""",
        ["object"] = """ "{" space (member ("," space member)*)? "}" """,
        ["array"] = """ "[" space (value space ("," space value space)*)? "]" """,
        ["date-characters"] = """
            [1-9] [0-9]{3} "-" (("0" [13578] | "1" [02]) "-" ("0" [1-9] | [1-2] [0-9] | "3" [0-1])
            | ("0" [469] | "11") "-" ("0" [1-9] | [1-2] [0-9] | "30") | "02-" ("0" [1-9] | [1-2] [0-9]))
            """.ReplaceLineEndings(" "),
        // As .NET's TimeOnly reads it: RFC 3339 has an offset here, TimeOnly none.
        ["time-characters"] = """([01] [0-9] | "2" [0-3]) ":" [0-5] [0-9] ":" [0-5] [0-9] ("." [0-9]{1,7})?""",
        ["offset-characters"] = """ "Z" | [-+] (("0" [0-9] | "1" [0-3]) ":" [0-5] [0-9] | "14:00")""",
        ["date"] = "\"\\\"\" date-characters \"\\\"\"",
        ["time"] = "\"\\\"\" time-characters \"\\\"\"",
        ["date-time"] = "\"\\\"\" date-characters \"T\" time-characters offset-characters \"\\\"\"",
        ["uuid"] = "\"\\\"\" hex{8} \"-\" hex{4} \"-\" hex{4} \"-\" hex{4} \"-\" hex{12} \"\\\"\"",
        ["hex"] = "[0-9a-fA-F]",
    };

    private static readonly Dictionary<string, string[]> Needs = new()
    {
        ["integer"] = ["integral-part"],
        ["number"] = ["integral-part", "decimal-part"],
        ["string"] = ["char"],
        ["value"] = ["object", "array", "string", "number", "boolean", "null"],
        ["member"] = ["string", "value", "space"],
        ["object"] = ["member", "space"],
        ["array"] = ["value", "space"],
        ["date"] = ["date-characters"],
        ["time"] = ["time-characters"],
        ["date-time"] = ["date-characters", "time-characters", "offset-characters"],
        ["uuid"] = ["hex"],
    };

    /// <summary>True when there is a rule of this name.</summary>
    public static bool Contains(string name) => Rules.ContainsKey(name);

    /// <summary>Adds a rule and those that it needs; returns its name.</summary>
    public static string Add(Dictionary<string, string> rules, string name, LiteralWords words)
    {
        if (!rules.TryAdd(name, words.Rule(name) ?? Rules[name])) return name;
        foreach (string need in Needs.GetValueOrDefault(name, [])) Add(rules, need, words);
        return name;
    }
}
