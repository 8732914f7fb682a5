namespace TinyMllm.Loaders.Text.Chat.Jinja;

/// <summary>Variables; inner scopes see the outer ones but set only their own.</summary>
internal sealed class Scope(Scope? outer)
{
    private readonly Dictionary<string, object?> _variables = [];

    /// <summary>The value of a variable, or what a missing one gives.</summary>
    public object? Get(string name)
    {
        for (Scope? scope = this; scope is not null; scope = scope.Outer)
        {
            if (scope._variables.TryGetValue(name, out object? value)) return value;
        }

        return new Undefined(name);
    }

    /// <summary>Sets a variable of this scope.</summary>
    public void Set(string name, object? value) => _variables[name] = value;

    private Scope? Outer { get; } = outer;
}

/// <summary>The variable <c>loop</c> inside a for.</summary>
internal sealed class LoopState(List<object?> items, int depth)
{
    private static readonly object Never = new();
    private object? _lastChecked = Never;

    /// <summary>For a recursive loop: runs it over another value and gives what it prints.</summary>
    public Func<object?, string>? Recurse { get; set; }

    /// <summary>0-based number of the round.</summary>
    public int Index { get; set; }

    /// <summary>An attribute of the loop.</summary>
    public object? Get(string name) => name switch
    {
        "index" => Index + 1L,
        "index0" => (long)Index,
        "first" => Index == 0,
        "last" => Index == items.Count - 1,
        "length" => (long)items.Count,
        "revindex" => (long)(items.Count - Index),
        "revindex0" => (long)(items.Count - Index - 1),
        "previtem" => Index > 0 ? items[Index - 1] : new Undefined("loop.previtem"),
        "nextitem" => Index + 1 < items.Count ? items[Index + 1] : new Undefined("loop.nextitem"),
        "depth" => depth + 1L,
        "depth0" => (long)depth,
        "cycle" => new Function("loop.cycle", (context, arguments) =>
            arguments.Count > 0 ? arguments.Positional[Index % arguments.Count] : throw context.Error("'loop.cycle' needs values")),
        "changed" => new Function("loop.changed", Changed),
        _ => new Undefined($"loop.{name}"),
    };

    private object? Changed(RenderContext context, Arguments arguments)
    {
        var values = new JinjaTuple(arguments.Positional);
        bool changed = ReferenceEquals(_lastChecked, Never) || !Values.AreEqual(context, _lastChecked, values);
        _lastChecked = values;
        return changed;
    }
}
