namespace TinyMllm.Loaders.Grammars.JsonSchema;

/// <summary>Rules for the parts of JSON that every schema needs, in GBNF.</summary>
internal static class JsonPrimitives
{
    /// <summary>A character of a JSON string that is not an escape, as the inside of a set.</summary>
    public const string PlainCharacters = @"^""\\\x7F\x00-\x1F";

    private static readonly Dictionary<string, string> Rules = new()
    {
        // A blank at most: a layout costs tokens, and small models do not find the end of one.
        ["space"] = "\" \"?",
        ["boolean"] = """("true" | "false") space""",
        ["null"] = "\"null\" space",
        ["integral-part"] = "[0] | [1-9] [0-9]{0,15}",
        ["decimal-part"] = "[0-9]{1,16}",
        ["integer"] = "\"-\"? integral-part space",
        ["number"] = "\"-\"? integral-part (\".\" decimal-part)? ([eE] [-+]? [0-9]{1,3})? space",
        ["char"] = $"""[{PlainCharacters}] | "\\" (["\\/bfnrt] | "u" [0-9a-fA-F]{"{4}"})""",
        ["string"] = "\"\\\"\" char* \"\\\"\" space",
        ["value"] = "object | array | string | number | boolean | null",
        ["object"] = """ "{" space (string ":" space value ("," space string ":" space value)*)? "}" space""",
        ["array"] = """ "[" space (value ("," space value)*)? "]" space""",
        ["date-characters"] = """
            [1-9] [0-9]{3} "-" (("0" [13578] | "1" [02]) "-" ("0" [1-9] | [1-2] [0-9] | "3" [0-1])
            | ("0" [469] | "11") "-" ("0" [1-9] | [1-2] [0-9] | "30") | "02-" ("0" [1-9] | [1-2] [0-9]))
            """.ReplaceLineEndings(" "),
        // As .NET's TimeOnly reads it: RFC 3339 has an offset here, TimeOnly none.
        ["time-characters"] = """([01] [0-9] | "2" [0-3]) ":" [0-5] [0-9] ":" [0-5] [0-9] ("." [0-9]{1,7})?""",
        ["offset-characters"] = """ "Z" | [-+] (("0" [0-9] | "1" [0-3]) ":" [0-5] [0-9] | "14:00")""",
        ["date"] = "\"\\\"\" date-characters \"\\\"\" space",
        ["time"] = "\"\\\"\" time-characters \"\\\"\" space",
        ["date-time"] = "\"\\\"\" date-characters \"T\" time-characters offset-characters \"\\\"\" space",
        ["uuid"] = "\"\\\"\" hex{8} \"-\" hex{4} \"-\" hex{4} \"-\" hex{4} \"-\" hex{12} \"\\\"\" space",
        ["hex"] = "[0-9a-fA-F]",
    };

    private static readonly Dictionary<string, string[]> Needs = new()
    {
        ["boolean"] = ["space"],
        ["null"] = ["space"],
        ["integer"] = ["integral-part", "space"],
        ["number"] = ["integral-part", "decimal-part", "space"],
        ["string"] = ["char", "space"],
        ["value"] = ["object", "array", "string", "number", "boolean", "null"],
        ["object"] = ["string", "value", "space"],
        ["array"] = ["value", "space"],
        ["date"] = ["date-characters", "space"],
        ["time"] = ["time-characters", "space"],
        ["date-time"] = ["date-characters", "time-characters", "offset-characters", "space"],
        ["uuid"] = ["hex", "space"],
    };

    /// <summary>True when there is a rule of this name.</summary>
    public static bool Contains(string name) => Rules.ContainsKey(name);

    /// <summary>Adds a rule and those that it needs; returns its name.</summary>
    public static string Add(Dictionary<string, string> rules, string name)
    {
        if (!rules.TryAdd(name, Rules[name])) return name;
        foreach (string need in Needs.GetValueOrDefault(name, [])) Add(rules, need);
        return name;
    }
}
