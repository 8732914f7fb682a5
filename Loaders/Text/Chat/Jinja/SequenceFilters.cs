namespace TinyMllm.Loaders.Text.Chat.Jinja;

/// <summary>Filters on lists, dicts and strings as sequences.</summary>
internal static class SequenceFilters
{
    /// <summary>All of them by name.</summary>
    public static IReadOnlyDictionary<string, Filters.Filter> All { get; } = new Dictionary<string, Filters.Filter>
    {
        ["length"] = (c, value, _) => (long)Values.Length(c, value),
        ["count"] = (c, value, _) => (long)Values.Length(c, value),
        ["list"] = (c, value, _) => Values.Items(c, value),
        ["first"] = (c, value, _) => Values.Items(c, value) is [var first, ..] ? first : new Undefined("first element"),
        ["last"] = (c, value, _) => Values.Items(c, value) is [.., var last] ? last : new Undefined("last element"),
        ["join"] = Join,
        ["dictsort"] = DictSort,
        ["sort"] = Sort,
        ["unique"] = Unique,
        ["reverse"] = (c, value, _) =>
        {
            List<object?> items = Values.Items(c, value);
            items.Reverse();
            return value is string ? string.Concat(items) : items;
        },
        ["min"] = (c, value, a) => Extreme(c, value, a, -1),
        ["max"] = (c, value, a) => Extreme(c, value, a, 1),
        ["sum"] = Sum,
        ["map"] = Map,
        ["select"] = (c, value, a) => Select(c, value, a, attribute: false, keep: true),
        ["reject"] = (c, value, a) => Select(c, value, a, attribute: false, keep: false),
        ["selectattr"] = (c, value, a) => Select(c, value, a, attribute: true, keep: true),
        ["rejectattr"] = (c, value, a) => Select(c, value, a, attribute: true, keep: false),
        ["groupby"] = GroupBy,
        ["batch"] = Batch,
        ["slice"] = Columns,
    };

    /// <summary>
    /// The elements of a value, none for one that is false: <c>map</c>, <c>select</c> and their kin take <c>none</c> for an empty list.
    /// </summary>
    private static List<object?> ItemsOrNone(RenderContext context, object? value) =>
        Values.IsTrue(value) ? Values.Items(context, value) : [];

    /// <summary>An attribute of an item by a path such as <c>function.name</c>; an integer is an index.</summary>
    private static object? AttributeOf(RenderContext context, object? item, object? path)
    {
        if (path is not string names) return path is null ? item : Members.GetItem(context, item, path);
        foreach (string name in names.Split('.'))
            item = long.TryParse(name, out long index) ? Members.GetItem(context, item, index) : Members.GetItem(context, item, name);
        return item;
    }

    private static string Join(RenderContext context, object? value, Arguments arguments)
    {
        object? attribute = arguments.Get(1, "attribute");
        List<object?> items = Values.Items(context, value);
        if (attribute is not null) items = items.ConvertAll(item => AttributeOf(context, item, attribute));
        return StringMethods.Join(context, ValueText.Of(context, arguments.Get(0, "d", "")), items);
    }

    private static List<object?> DictSort(RenderContext context, object? value, Arguments arguments)
    {
        if (value is not Dict dict) throw context.Error($"'dictsort' needs a dict, not {Values.TypeName(value)}");
        bool caseSensitive = Values.IsTrue(arguments.Get(0, "case_sensitive"));
        int by = arguments.Get(1, "by", "key") is "value" ? 1 : 0;
        return Sorted(context, CollectionMethods.Pairs(context, dict), item => ((JinjaTuple)item!)[by], caseSensitive, Values.IsTrue(arguments.Get(2, "reverse")));
    }

    private static List<object?> Sort(RenderContext context, object? value, Arguments arguments)
    {
        object? attribute = arguments.Get(2, "attribute");
        bool caseSensitive = Values.IsTrue(arguments.Get(1, "case_sensitive"));
        object?[] paths = attribute is string names ? names.Split(',') : [attribute];
        object? KeyOf(object? item) => paths.Length == 1 ? AttributeOf(context, item, paths[0])
            : new JinjaTuple(paths.Select(path => Folded(AttributeOf(context, item, path), caseSensitive)));
        return Sorted(context, Values.Items(context, value), KeyOf, caseSensitive, Values.IsTrue(arguments.Get(0, "reverse")));
    }

    /// <summary>A stable sort; strings without regard to case unless asked for.</summary>
    private static List<object?> Sorted(RenderContext context, List<object?> items, Func<object?, object?> key, bool caseSensitive, bool reverse)
    {
        var comparer = Comparer<object?>.Create((a, b) =>
        {
            context.ChargeItems(1);
            return Values.Compare(context, a, b);
        });
        object? KeyOf(object? item) => Folded(key(item), caseSensitive);
        try
        {
            IEnumerable<object?> sorted = reverse ? items.OrderByDescending(KeyOf, comparer) : items.OrderBy(KeyOf, comparer);
            return [.. sorted];
        }
        catch (InvalidOperationException wrapped) when (wrapped.InnerException is ChatTemplateException problem)
        {
            throw context.Error(problem.Problem);
        }
    }

    private static object? Folded(object? key, bool caseSensitive) => key is string text && !caseSensitive ? text.ToLowerInvariant() : key;

    private static List<object?> Unique(RenderContext context, object? value, Arguments arguments)
    {
        bool caseSensitive = Values.IsTrue(arguments.Get(0, "case_sensitive"));
        object? attribute = arguments.Get(1, "attribute");
        List<object?> result = [], seen = [];
        foreach (object? item in Values.Items(context, value))
        {
            object? key = AttributeOf(context, item, attribute);
            key = Folded(key, caseSensitive);
            if (Values.Contains(context, seen, key)) continue;
            seen.Add(key);
            result.Add(item);
        }

        return result;
    }

    private static object? Extreme(RenderContext context, object? value, Arguments arguments, int sign)
    {
        bool caseSensitive = Values.IsTrue(arguments.Get(0, "case_sensitive"));
        object? attribute = arguments.Get(1, "attribute");
        object? best = new Undefined("an element"), bestKey = null;
        foreach (object? item in Values.Items(context, value))
        {
            object? key = Folded(AttributeOf(context, item, attribute), caseSensitive);
            if (best is not Undefined && Values.Compare(context, key, bestKey) * sign <= 0) continue;
            (best, bestKey) = (item, key);
        }

        return best;
    }

    private static object? Sum(RenderContext context, object? value, Arguments arguments)
    {
        object? attribute = arguments.Get(0, "attribute"), sum = arguments.Get(1, "start", 0L);
        foreach (object? item in Values.Items(context, value))
            sum = Arithmetic.Apply(context, "+", sum, AttributeOf(context, item, attribute), context.Line);
        return sum;
    }

    private static List<object?> Map(RenderContext context, object? value, Arguments arguments)
    {
        List<object?> items = ItemsOrNone(context, value);
        if (arguments.Has(int.MaxValue, "attribute"))
        {
            object? attribute = arguments.Get(int.MaxValue, "attribute"), otherwise = arguments.Get(int.MaxValue, "default");
            return items.ConvertAll(item => AttributeOf(context, item, attribute) is var found && found is Undefined && otherwise is not null ? otherwise : found);
        }

        if (arguments.Get(0, "filter") is not string name || Filters.Find(name) is not { } filter)
            throw context.Error($"'map' needs a filter or attribute=, not '{ValueText.Of(context, arguments.Get(0, "filter"))}'");
        var rest = new Arguments(arguments.Positional.Skip(1).ToList(), arguments.Named);
        return items.ConvertAll(item =>
        {
            context.ChargeItems(1);
            return filter(context, item, rest);
        });
    }

    private static List<object?> Select(RenderContext context, object? value, Arguments arguments, bool attribute, bool keep)
    {
        int testAt = attribute ? 1 : 0;
        object? path = attribute ? arguments.Get(0, "attribute") : null;
        ValueTests.Test? test = null;
        if (arguments.Count > testAt)
        {
            string name = ValueText.Of(context, arguments.Positional[testAt]);
            test = ValueTests.Find(name) ?? throw context.Error($"unknown test '{name}'");
        }

        var rest = new Arguments(arguments.Positional.Skip(testAt + 1).ToList(), arguments.Named);
        return ItemsOrNone(context, value).FindAll(item =>
        {
            context.ChargeItems(1);
            object? subject = AttributeOf(context, item, path);
            return (test is null ? Values.IsTrue(subject) : test(context, subject, rest)) == keep;
        });
    }

    private static List<object?> GroupBy(RenderContext context, object? value, Arguments arguments)
    {
        object? attribute = arguments.Get(0, "attribute"), otherwise = arguments.Get(1, "default");
        bool caseSensitive = Values.IsTrue(arguments.Get(2, "case_sensitive"));
        object? KeyOf(object? item) => AttributeOf(context, item, attribute) is var key
            && key is Undefined && otherwise is not null ? otherwise : key;
        List<object?> groups = [];
        object? last = null;
        foreach (object? item in Sorted(context, Values.Items(context, value), KeyOf, caseSensitive, reverse: false))
        {
            object? key = Folded(KeyOf(item), caseSensitive);
            if (groups is [.., JinjaTuple group] && Values.AreEqual(context, last, key)) ((List<object?>)group[1]!).Add(item);
            else groups.Add(new JinjaTuple([KeyOf(item), new List<object?> { item }]) { Names = ["grouper", "list"] });
            last = key;
        }

        return groups;
    }

    private static List<object?> Batch(RenderContext context, object? value, Arguments arguments)
    {
        List<object?> rows = [];
        foreach (object?[] chunk in Values.Items(context, value).Chunk(Size(context, arguments)))
        {
            List<object?> row = [.. chunk];
            if (arguments.Get(1, "fill_with") is { } filling)
            {
                context.ChargeItems(Size(context, arguments) - row.Count);
                while (row.Count < Size(context, arguments)) row.Add(filling);
            }

            rows.Add(row);
        }

        return rows;
    }

    /// <summary>The given number of columns, the first ones longer when it does not come out even.</summary>
    private static List<object?> Columns(RenderContext context, object? value, Arguments arguments)
    {
        List<object?> items = Values.Items(context, value), columns = [];
        int count = Size(context, arguments), start = 0;
        context.ChargeItems(count);
        for (int i = 0; i < count; i++)
        {
            int length = items.Count / count + (i < items.Count % count ? 1 : 0);
            List<object?> column = items.GetRange(start, length);
            if (arguments.Get(1, "fill_with") is { } filling && items.Count % count != 0 && i >= items.Count % count) column.Add(filling);
            columns.Add(column);
            start += length;
        }

        return columns;
    }

    private static int Size(RenderContext context, Arguments arguments) =>
        Values.TryInteger(arguments.Get(0, "linecount"), out long size) && size is > 0 and < int.MaxValue
            ? (int)size : throw context.Error("the filter needs a positive number");
}
