namespace TinyMllm.Loaders.Text.Chat.Jinja;

/// <summary>Tests: <c>value is name</c>.</summary>
internal static class ValueTests
{
    internal delegate bool Test(RenderContext context, object? value, Arguments arguments);

    private static readonly Dictionary<string, Test> All = new()
    {
        ["defined"] = (_, value, _) => value is not Undefined,
        ["undefined"] = (_, value, _) => value is Undefined,
        ["none"] = (_, value, _) => value is null,
        ["string"] = (_, value, _) => value is string,
        ["mapping"] = (_, value, _) => value is Dict,
        ["iterable"] = (_, value, _) => value is string or List<object?> or Dict or Undefined,
        ["sequence"] = (_, value, _) => value is string or List<object?> or Dict or Undefined,
        ["boolean"] = (_, value, _) => value is bool,
        ["true"] = (_, value, _) => value is true,
        ["false"] = (_, value, _) => value is false,
        ["number"] = (_, value, _) => value is long or double or bool,
        ["integer"] = (_, value, _) => value is long,
        ["float"] = (_, value, _) => value is double,
        ["callable"] = (_, value, _) => value is Function,
        ["escaped"] = (_, _, _) => false,
        ["odd"] = (c, value, _) => Integer(c, value) % 2 != 0,
        ["even"] = (c, value, _) => Integer(c, value) % 2 == 0,
        ["divisibleby"] = (c, value, a) => Integer(c, a.Get(0, "num")) is var by and not 0 ? Integer(c, value) % by == 0 : throw c.Error("division by zero"),
        ["eq"] = (c, value, a) => Values.AreEqual(c, value, a.Get(0, "other")),
        ["ne"] = (c, value, a) => !Values.AreEqual(c, value, a.Get(0, "other")),
        ["lt"] = (c, value, a) => Values.Compare(c, value, a.Get(0, "other")) < 0,
        ["le"] = (c, value, a) => Values.Compare(c, value, a.Get(0, "other")) <= 0,
        ["gt"] = (c, value, a) => Values.Compare(c, value, a.Get(0, "other")) > 0,
        ["ge"] = (c, value, a) => Values.Compare(c, value, a.Get(0, "other")) >= 0,
        ["in"] = (c, value, a) => Values.Contains(c, a.Get(0, "seq"), value),
        ["sameas"] = (c, value, a) => IsSame(value, a.Get(0, "other")),
        ["lower"] = (c, value, _) => ValueText.Of(c, value) is var text && text.Any(char.IsLower) && !text.Any(char.IsUpper),
        ["upper"] = (c, value, _) => ValueText.Of(c, value) is var text && text.Any(char.IsUpper) && !text.Any(char.IsLower),
        ["filter"] = (_, value, _) => value is string name && Filters.Find(name) is not null,
        ["test"] = (_, value, _) => value is string name && Find(name) is not null,
    };

    private static readonly Dictionary<string, string> Aliases = new()
    {
        ["equalto"] = "eq", ["=="] = "eq", ["!="] = "ne", ["<"] = "lt", ["lessthan"] = "lt", ["<="] = "le",
        [">"] = "gt", ["greaterthan"] = "gt", [">="] = "ge", ["None"] = "none", ["True"] = "true", ["False"] = "false",
    };

    /// <summary>The test of a name, or null.</summary>
    public static Test? Find(string name) => All.GetValueOrDefault(Aliases.GetValueOrDefault(name, name));

    private static bool IsSame(object? a, object? b) => (a, b) switch
    {
        (bool x, bool y) => x == y,
        (long x, long y) => x == y,
        (double x, double y) => x == y,
        (string x, string y) => x == y,
        _ => ReferenceEquals(a, b),
    };

    private static long Integer(RenderContext context, object? value) =>
        Values.TryInteger(value, out long integer) ? integer : throw context.Error($"the test needs an integer, not {Values.TypeName(value)}");
}
