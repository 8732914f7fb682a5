namespace TinyMllm.Loaders.Text.Chat.Jinja;

/// <summary>Methods of lists and dicts. Those that change something change the shared object.</summary>
internal static class CollectionMethods
{
    internal delegate object? ListMethod(RenderContext context, List<object?> list, Arguments arguments);

    internal delegate object? DictMethod(RenderContext context, Dict dict, Arguments arguments);

    private static readonly Dictionary<string, ListMethod> OfLists = new()
    {
        ["append"] = (c, list, a) => Change(c, list, () => list.Add(a.Get(0, "object"))),
        ["extend"] = (c, list, a) => Change(c, list, () => list.AddRange(Values.Items(c, a.Get(0, "iterable")))),
        ["insert"] = (c, list, a) => Change(c, list, () => list.Insert(Place(c, list, a.Get(0, "index"), clamp: true), a.Get(1, "object"))),
        ["pop"] = Pop,
        ["reverse"] = (c, list, _) => Change(c, list, list.Reverse),
        ["clear"] = (c, list, _) => Change(c, list, list.Clear),
        ["copy"] = (c, list, _) => Values.Items(c, list),
        ["index"] = (c, list, a) => IndexOf(c, list, a.Get(0, "value")) is var at and >= 0 ? at : throw c.Error("'index': the list has no such element"),
        ["count"] = (c, list, a) => (long)list.Count(item => Values.AreEqual(c, item, a.Get(0, "value"))),
    };

    private static readonly Dictionary<string, DictMethod> OfDicts = new()
    {
        ["get"] = (_, dict, a) => Values.IsKey(a.Get(0, "key")) && dict.TryGetValue(a.Get(0, "key")!, out object? value) ? value : a.Get(1, "default"),
        ["items"] = (c, dict, _) => Pairs(c, dict),
        ["keys"] = (c, dict, _) => Values.Items(c, dict),
        ["values"] = (c, dict, _) => Counted(c, dict.Values.ToList()),
        ["copy"] = (c, dict, _) => Merge(c, [], dict, Arguments.None),
        ["pop"] = Remove,
        ["update"] = Update,
        ["setdefault"] = SetDefault,
    };

    /// <summary>The list method of a name, or null.</summary>
    public static ListMethod? FindForList(string name) => OfLists.GetValueOrDefault(name);

    /// <summary>The dict method of a name, or null.</summary>
    public static DictMethod? FindForDict(string name) => OfDicts.GetValueOrDefault(name);

    /// <summary>The entries of a dict as pairs.</summary>
    public static List<object?> Pairs(RenderContext context, Dict dict)
    {
        context.ChargeItems(dict.Count * 3L);
        return [.. dict.Select(pair => new JinjaTuple([pair.Key, pair.Value]))];
    }

    private static List<object?> Counted(RenderContext context, List<object?> list)
    {
        context.ChargeItems(list.Count);
        return list;
    }

    private static object? Change(RenderContext context, List<object?> list, Action change)
    {
        context.ChargeItems(1);
        if (list is JinjaTuple) throw context.Error("a tuple cannot be changed");
        change();
        return null;
    }

    private static object? Pop(RenderContext context, List<object?> list, Arguments arguments)
    {
        if (list.Count == 0) throw context.Error("'pop' from an empty list");
        int at = Place(context, list, arguments.Get(0, "index", -1L), clamp: false);
        object? item = list[at];
        Change(context, list, () => list.RemoveAt(at));
        return item;
    }

    private static int Place(RenderContext context, List<object?> list, object? index, bool clamp)
    {
        if (!Values.TryInteger(index, out long at)) throw context.Error($"an index must be an integer, not {Values.TypeName(index)}");
        if (at < 0) at += list.Count;
        if (clamp) return (int)Math.Clamp(at, 0, list.Count);
        return at >= 0 && at < list.Count ? (int)at : throw context.Error("index out of range");
    }

    private static long IndexOf(RenderContext context, List<object?> list, object? value)
    {
        for (int i = 0; i < list.Count; i++)
        {
            if (Values.AreEqual(context, list[i], value)) return i;
        }

        return -1;
    }

    private static object? Remove(RenderContext context, Dict dict, Arguments arguments)
    {
        object? key = arguments.Get(0, "key");
        if (Values.IsKey(key) && dict.Remove(key!, out object? value)) return value;
        return arguments.Has(1, "default") ? arguments.Get(1, "default") : throw context.Error($"'pop': no key '{ValueText.Of(context, key)}'");
    }

    private static object? SetDefault(RenderContext context, Dict dict, Arguments arguments)
    {
        object? key = arguments.Get(0, "key");
        if (!Values.IsKey(key)) throw context.Error($"{Values.TypeName(key)} cannot be a key");
        if (dict.TryGetValue(key!, out object? value)) return value;
        return dict[key!] = arguments.Get(1, "default");
    }

    private static object? Update(RenderContext context, Dict dict, Arguments arguments)
    {
        Merge(context, dict, arguments.Get(0, "other") as Dict ?? [], arguments);
        return null;
    }

    private static Dict Merge(RenderContext context, Dict into, Dict from, Arguments named)
    {
        context.ChargeItems(from.Count + 1);
        if (!ReferenceEquals(from, into))
        {
            foreach (var (key, value) in from) into[key] = value;
        }

        foreach (var (name, value) in named.Named) into[name] = value;
        return into;
    }
}
