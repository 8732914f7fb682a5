namespace TinyMllm.Loaders.Text.Chat.Jinja;

/// <summary>Attributes, items and slices of values.</summary>
internal static class Members
{
    /// <summary><c>value.name</c>: methods first, then keys.</summary>
    /// <param name="context">Counts work.</param>
    /// <param name="value">The value.</param>
    /// <param name="name">The name.</param>
    /// <param name="attributesOnly">Whether keys do not count, as for the filter <c>attr</c>.</param>
    public static object? GetAttribute(RenderContext context, object? value, string name, bool attributesOnly = false) =>
        Method(value, name) ?? value switch
    {
        Dict when attributesOnly => new Undefined(name),
        Dict dict => dict.TryGetValue(name, out object? item) ? item : new Undefined(name),
        Namespace space => space.Attributes.TryGetValue(name, out object? item) ? item : new Undefined(name),
        LoopState loop => loop.Get(name),
        JinjaTuple tuple when Array.IndexOf(tuple.Names, name) is var at and >= 0 => tuple[at],
        Cycler cycler => cycler.Get(name),
        Function { Attributes: { } attributes } when attributes.TryGetValue(name, out object? item) => item,
        _ => new Undefined(name),
    };

    /// <summary><c>value[index]</c>: keys first, then methods.</summary>
    public static object? GetItem(RenderContext context, object? value, object? index)
    {
        switch (value)
        {
            case Dict dict when Values.IsKey(index) && dict.TryGetValue(index!, out object? item):
                return item;
            case List<object?> list when Values.TryInteger(index, out long at):
                if (at < 0) at += list.Count;
                return at >= 0 && at < list.Count ? list[(int)at] : new Undefined($"element {at}");
            case string text when Values.TryInteger(index, out long at):
                context.ChargeCharacters(text.Length);
                int count = CodePoints.Count(text);
                if (at < 0) at += count;
                if (at < 0 || at >= count) return new Undefined($"character {at}");
                int offset = CodePoints.Offset(text, (int)at);
                return text.Substring(offset, char.IsSurrogatePair(text, offset) ? 2 : 1);
            default:
                return index is string name && value is not string
                    ? GetAttribute(context, value, name)
                    : new Undefined(ValueText.Of(context, index));
        }
    }

    /// <summary><c>value[start:stop:step]</c>, with Python's rules for missing, negative and too large bounds.</summary>
    public static object? GetSlice(RenderContext context, object? value, long? start, long? stop, long step)
    {
        if (step == 0) throw context.Error("the step of a slice cannot be 0");
        if (value is Undefined) return value;
        if (value is string text && step == 1 && start is null or >= 0 && stop is null)
        {
            context.ChargeCharacters(text.Length);
            return text[CodePoints.Offset(text, (int)Math.Min(start ?? 0, text.Length))..];
        }

        if (value is not (string or List<object?>)) throw context.Error($"{Values.TypeName(value)} cannot be sliced");
        List<object?> items = Values.Items(context, value);
        long count = items.Count, low = step > 0 ? 0 : -1, high = step > 0 ? count : count - 1;
        long from = start is null ? step > 0 ? low : high : Math.Clamp(start < 0 ? start.Value + count : start.Value, low, high);
        long to = stop is null ? step > 0 ? high : low : Math.Clamp(stop < 0 ? stop.Value + count : stop.Value, low, high);
        var result = new List<object?>();
        step = Math.Clamp(step, -count - 1, count + 1);
        for (long i = from; step > 0 ? i < to : i > to; i += step) result.Add(items[(int)i]);
        return value switch
        {
            string => string.Concat(result),
            JinjaTuple => new JinjaTuple(result),
            _ => result,
        };
    }

    private static Function? Method(object? value, string name) => value switch
    {
        double number when name == "is_integer" => new Function("float.is_integer", (_, _) => double.IsInteger(number)),
        long when name is "is_integer" => new Function("int.is_integer", (_, _) => true),
        string text when StringMethods.Find(name) is { } method => new Function($"str.{name}", (context, arguments) => method(context, text, arguments)),
        List<object?> list when CollectionMethods.FindForList(name) is { } method =>
            new Function($"list.{name}", (context, arguments) => method(context, list, arguments)),
        Dict dict when CollectionMethods.FindForDict(name) is { } method =>
            new Function($"dict.{name}", (context, arguments) => method(context, dict, arguments)),
        _ => null,
    };
}
