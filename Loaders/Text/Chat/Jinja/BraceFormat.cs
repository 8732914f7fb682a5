using System.Globalization;
using System.Text;

namespace TinyMllm.Loaders.Text.Chat.Jinja;

/// <summary>Python's <c>'{}: {name:&gt;8}'.format(a, name=b)</c>.</summary>
internal static class BraceFormat
{
    /// <summary>Puts the arguments into the text.</summary>
    public static string Apply(RenderContext context, string format, Arguments arguments)
    {
        int next = 0;
        return context.Made(Expand(context, format, arguments, ref next, nested: false));
    }

    private static string Expand(RenderContext context, string format, Arguments arguments, ref int next, bool nested)
    {
        var result = new StringBuilder();
        for (int i = 0; i < format.Length; i++)
        {
            char c = format[i];
            if (!nested && c is '{' or '}' && i + 1 < format.Length && format[i + 1] == c)
            {
                result.Append(c);
                i++;
            }
            else if (c == '{')
            {
                int end = EndOfField(format, i);
                if (end < 0) throw context.Error("'{' without '}' in the format text");
                string text = Field(context, format[(i + 1)..end], arguments, ref next, nested);
                context.ChargeCharacters(text.Length);
                result.Append(text);
                i = end;
            }
            else if (c == '}')
            {
                throw context.Error("'}' without '{' in the format text");
            }
            else
            {
                result.Append(c);
            }
        }

        return result.ToString();
    }

    private static int EndOfField(string format, int start)
    {
        int depth = 0;
        for (int i = start; i < format.Length; i++)
        {
            if (format[i] == '{') depth++;
            else if (format[i] == '}' && --depth == 0) return i;
        }

        return -1;
    }

    /// <summary>A field: <c>name!conversion:spec</c>; the specification may hold fields of its own.</summary>
    private static string Field(RenderContext context, string field, Arguments arguments, ref int next, bool nested)
    {
        int colon = field.IndexOf(':'), mark = field.IndexOf('!');
        if (mark >= 0 && colon >= 0 && mark > colon) mark = -1;
        int end = mark >= 0 ? mark : colon >= 0 ? colon : field.Length;
        object? value = Find(context, field[..end], arguments, ref next);
        if (mark >= 0)
        {
            value = field[(mark + 1)..(colon >= 0 ? colon : field.Length)] switch
            {
                "s" => ValueText.Of(context, value),
                "r" or "a" => ValueText.Repr(context, value),
                _ => throw context.Error($"conversion in '{{{field}}}' is not understood"),
            };
        }

        string spec = colon >= 0 ? field[(colon + 1)..] : "";
        if (spec.Contains('{'))
        {
            if (nested) throw context.Error("format fields nested too deep");
            spec = Expand(context, spec, arguments, ref next, nested: true);
        }

        return spec.Length == 0 ? ValueText.Of(context, value) : FormatSpec.Parse(context, spec).Apply(context, value);
    }

    /// <summary>The value of <c>name.attribute[item]</c>.</summary>
    private static object? Find(RenderContext context, string path, Arguments arguments, ref int next)
    {
        int end = path.IndexOfAny(['.', '[']) is var at and >= 0 ? at : path.Length;
        string name = path[..end];
        int index = name.Length == 0 ? next++
            : int.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out int given) ? given : int.MaxValue;
        if (!arguments.Has(index, name)) throw context.Error($"no value for '{{{path}}}' in the format text");
        object? value = arguments.Get(index, name);
        while (end < path.Length)
        {
            int stop = path[end] == '[' ? path.IndexOf(']', end)
                : path.AsSpan(end + 1).IndexOfAny('.', '[') is var dot and >= 0 ? end + 1 + dot : path.Length;
            if (stop < 0) throw context.Error($"'[' without ']' in '{{{path}}}'");
            string part = path[(end + 1)..stop];
            bool isItem = path[end] == '[';
            value = isItem && long.TryParse(part, NumberStyles.None, CultureInfo.InvariantCulture, out long number)
                ? Members.GetItem(context, value, number)
                : isItem ? Members.GetItem(context, value, part) : Members.GetAttribute(context, value, part);
            end = isItem ? stop + 1 : stop;
        }

        return value;
    }
}
