namespace TinyMllm.Loaders.Text.Chat.Jinja;

// A value is an object: null (none), Undefined, bool, long, double, string, List<object?> (also Tuple), Dict, Namespace, Function or LoopState.

/// <summary>What a missing variable, key or attribute gives: prints as nothing, counts as false, holds nothing.</summary>
/// <param name="What">What is missing, for messages.</param>
internal sealed record Undefined(string What);

/// <summary>A list that prints with parentheses.</summary>
internal sealed class JinjaTuple(IEnumerable<object?> items) : List<object?>(items)
{
    /// <summary>Names of the items, for tuples whose items have names.</summary>
    public string[] Names { get; init; } = [];
}

/// <summary>A dictionary that keeps the order of its keys (strings, numbers, truth values).</summary>
internal sealed class Dict() : OrderedDictionary<object, object?>(KeyComparer.Instance)
{
    /// <summary>A dictionary with string keys.</summary>
    public static Dict Of(params ReadOnlySpan<(string Key, object? Value)> items)
    {
        var dict = new Dict();
        foreach (var (key, value) in items) dict[key] = value;
        return dict;
    }

    /// <summary>1, 1.0 and true are the same key, as in Python.</summary>
    private sealed class KeyComparer : IEqualityComparer<object>
    {
        public static readonly KeyComparer Instance = new();

        public new bool Equals(object? a, object? b) => Normal(a!).Equals(Normal(b!));

        public int GetHashCode(object key) => Normal(key).GetHashCode();

        private static object Normal(object key) => key switch
        {
            bool truth => truth ? 1.0 : 0.0,
            long integer => (double)integer,
            _ => key,
        };
    }
}

/// <summary>What <c>namespace()</c> makes: variables that inner scopes can change.</summary>
internal sealed class Namespace
{
    /// <summary>Its variables.</summary>
    public Dictionary<string, object?> Attributes { get; } = [];
}

/// <summary>Evaluated arguments of a call.</summary>
internal sealed record Arguments(List<object?> Positional, List<(string Name, object? Value)> Named)
{
    public static Arguments None => new([], []);

    /// <summary>Number of positional arguments.</summary>
    public int Count => Positional.Count;

    /// <summary>The argument at a place or of a name; <paramref name="otherwise"/> when it is not given.</summary>
    public object? Get(int index, string name, object? otherwise = null)
    {
        if (index < Positional.Count) return Positional[index];
        foreach (var (key, value) in Named)
        {
            if (key == name) return value;
        }

        return otherwise;
    }

    /// <summary>True when the argument is given.</summary>
    public bool Has(int index, string name) => index < Positional.Count || Named.Exists(pair => pair.Name == name);
}

/// <summary>Something that can be called.</summary>
/// <param name="Name">Name for messages.</param>
/// <param name="Body">What it does.</param>
internal sealed record Function(string Name, Func<RenderContext, Arguments, object?> Body)
{
    /// <summary>Attributes that templates can ask for, those of a macro.</summary>
    public Dict? Attributes { get; init; }
}

/// <summary>What <c>cycler()</c> makes: gives its values in turn.</summary>
internal sealed class Cycler(List<object?> values)
{
    private int _at;

    /// <summary>An attribute of it.</summary>
    public object? Get(string name) => name switch
    {
        "current" => values[_at],
        "next" => new Function("cycler.next", (_, _) =>
        {
            object? value = values[_at];
            _at = (_at + 1) % values.Count;
            return value;
        }),
        "reset" => new Function("cycler.reset", (_, _) =>
        {
            _at = 0;
            return null;
        }),
        _ => new Undefined(name),
    };
}

/// <summary>Python's rules for values: truth, equality, order, length, iteration.</summary>
internal static class Values
{
    /// <summary>Name of the type, for messages.</summary>
    public static string TypeName(object? value) => value switch
    {
        null => "none",
        Undefined => "undefined",
        bool => "boolean",
        long => "integer",
        double => "float",
        string => "string",
        JinjaTuple => "tuple",
        List<object?> => "list",
        Dict => "dict",
        Namespace => "namespace",
        LoopState => "loop",
        Cycler => "cycler",
        _ => "function",
    };

    /// <summary>Truth: empty, zero, none and undefined are false.</summary>
    public static bool IsTrue(object? value) => value switch
    {
        null or Undefined => false,
        bool truth => truth,
        long integer => integer != 0,
        double number => number != 0,
        string text => text.Length > 0,
        List<object?> list => list.Count > 0,
        Dict dict => dict.Count > 0,
        _ => true,
    };

    /// <summary>True when the values are equal; numbers by value, lists and dicts by their content.</summary>
    public static bool AreEqual(RenderContext context, object? a, object? b)
    {
        if (TryNumber(a, out double x) && TryNumber(b, out double y)) return a is long i && b is long j ? i == j : x == y;
        switch (a, b)
        {
            case (null, null): return true;
            case (Undefined, Undefined): return true;
            case (string s, string t):
                context.ChargeCharacters(Math.Min(s.Length, t.Length));
                return s == t;
            case (List<object?> p, List<object?> q):
                if (p.Count != q.Count || p is JinjaTuple != q is JinjaTuple) return false;
                context.Enter();
                context.ChargeItems(p.Count);
                for (int i = 0; i < p.Count; i++)
                {
                    if (AreEqual(context, p[i], q[i])) continue;
                    context.Leave();
                    return false;
                }

                context.Leave();
                return true;
            case (Dict p, Dict q):
                if (p.Count != q.Count) return false;
                context.Enter();
                context.ChargeItems(p.Count);
                foreach (var (key, value) in p)
                {
                    if (q.TryGetValue(key, out object? other) && AreEqual(context, value, other)) continue;
                    context.Leave();
                    return false;
                }

                context.Leave();
                return true;
            default: return ReferenceEquals(a, b);
        }
    }

    /// <summary>Order of numbers, of strings (by code point), of lists (by element).</summary>
    public static int Compare(RenderContext context, object? a, object? b)
    {
        if (a is long i && b is long j) return i.CompareTo(j);
        if (TryNumber(a, out double x) && TryNumber(b, out double y)) return x.CompareTo(y);
        if (a is string s && b is string t)
        {
            context.ChargeCharacters(Math.Min(s.Length, t.Length));
            return CodePoints.Compare(s, t);
        }

        if (a is List<object?> p && b is List<object?> q)
        {
            context.Enter();
            context.ChargeItems(Math.Min(p.Count, q.Count));
            int order = 0;
            for (int k = 0; order == 0 && k < Math.Min(p.Count, q.Count); k++) order = Compare(context, p[k], q[k]);
            context.Leave();
            return order != 0 ? order : p.Count.CompareTo(q.Count);
        }

        throw context.Error($"cannot order {TypeName(a)} and {TypeName(b)}");
    }

    /// <summary>Numbers, and truth values as 0 and 1.</summary>
    public static bool TryNumber(object? value, out double number)
    {
        number = value switch { bool truth => truth ? 1 : 0, long integer => integer, double real => real, _ => 0 };
        return value is bool or long or double;
    }

    /// <summary>Integers, and truth values as 0 and 1.</summary>
    public static bool TryInteger(object? value, out long integer)
    {
        integer = value switch { bool truth => truth ? 1 : 0, long number => number, _ => 0 };
        return value is bool or long;
    }

    /// <summary>Length of a string (code points), list or dict.</summary>
    public static int Length(RenderContext context, object? value) => value switch
    {
        string text => CodePoints.Count(text),
        List<object?> list => list.Count,
        Dict dict => dict.Count,
        Undefined => 0,
        _ => throw context.Error($"{TypeName(value)} has no length"),
    };

    /// <summary>The elements that a loop over the value sees, as a new list: elements, keys, characters.</summary>
    public static List<object?> Items(RenderContext context, object? value)
    {
        List<object?> items = value switch
        {
            List<object?> list => Charged(context, list.Count) ? [.. list] : [],
            Dict dict => Charged(context, dict.Count) ? [.. dict.Keys] : [],
            string text => Charged(context, text.Length) ? CodePoints.Split(text) : [],
            Undefined => [],
            _ => throw context.Error($"{TypeName(value)} cannot be iterated over"),
        };
        return items;
    }

    /// <summary><c>needle in haystack</c>.</summary>
    public static bool Contains(RenderContext context, object? haystack, object? needle)
    {
        switch (haystack)
        {
            case string text:
                context.ChargeCharacters(text.Length);
                return needle is string part
                    ? text.Contains(part, StringComparison.Ordinal)
                    : throw context.Error($"'in' a string needs a string, not {TypeName(needle)}");
            case List<object?> list:
                context.ChargeItems(list.Count);
                foreach (object? item in list)
                {
                    if (AreEqual(context, item, needle)) return true;
                }

                return false;
            case Dict dict: return IsKey(needle) && dict.ContainsKey(needle!);
            case Namespace space: return needle is string name && space.Attributes.ContainsKey(name);
            case Undefined: return false;
            default: throw context.Error($"'in' does not work on {TypeName(haystack)}");
        }
    }

    /// <summary>True for values that can be keys.</summary>
    public static bool IsKey(object? value) => value is string or long or double or bool;

    private static bool Charged(RenderContext context, int count)
    {
        context.ChargeItems(count);
        return true;
    }
}
