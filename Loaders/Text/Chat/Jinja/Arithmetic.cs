namespace TinyMllm.Loaders.Text.Chat.Jinja;

/// <summary>Operators on values, with Python's rules.</summary>
internal static class Arithmetic
{
    /// <summary>Applies a binary operator other than <c>and</c>, <c>or</c> and comparisons.</summary>
    public static object? Apply(RenderContext context, string op, object? left, object? right, int line)
    {
        context.Line = line;
        if (op == "~") return Concatenate(context, ValueText.Of(context, left), ValueText.Of(context, right));
        switch (op, left, right)
        {
            case ("+", string a, string b): return Concatenate(context, a, b);
            case ("+", List<object?> a, List<object?> b):
                context.ChargeItems((long)a.Count + b.Count);
                List<object?> joined = [.. a, .. b];
                return a is JinjaTuple ? new JinjaTuple(joined) : joined;
            case ("*", string a, _) when Values.TryInteger(right, out long times): return Repeat(context, a, times);
            case ("*", _, string b) when Values.TryInteger(left, out long times): return Repeat(context, b, times);
            case ("*", List<object?> a, _) when Values.TryInteger(right, out long times): return Repeat(context, a, times);
            case ("%", string format, _):
                return PercentFormat.Apply(context, format, right is JinjaTuple tuple ? tuple : [right]);
        }

        if (Values.TryInteger(left, out long i) && Values.TryInteger(right, out long j) && op != "/") return Integer(context, op, i, j);
        if (Values.TryNumber(left, out double x) && Values.TryNumber(right, out double y)) return Real(context, op, x, y);
        if ((left as Undefined ?? right as Undefined) is { } missing) throw context.Error($"'{op}': '{missing.What}' is undefined");
        throw context.Error($"'{op}' does not work on {Values.TypeName(left)} and {Values.TypeName(right)}");
    }

    /// <summary>Applies a sign.</summary>
    public static object? Sign(RenderContext context, string sign, object? operand) => operand switch
    {
        double number => (object)(sign == "-" ? -number : number),
        _ when Values.TryInteger(operand, out long integer) => sign == "-" ? unchecked(-integer) : integer,
        _ => throw context.Error($"'{sign}' does not work on {Values.TypeName(operand)}"),
    };

    private static object Integer(RenderContext context, string op, long a, long b)
    {
        try
        {
            return op switch
            {
                "+" => (object)checked(a + b),
                "-" => checked(a - b),
                "*" => checked(a * b),
                "//" or "%" when b == 0 => throw context.Error("division by zero"),
                "//" or "%" when b == -1 => op == "%" ? 0L : checked(-a),
                "//" => a / b - (a % b != 0 && (a < 0) != (b < 0) ? 1 : 0),
                "%" => a % b is var rest && rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest,
                _ => b < 0 ? (object)Math.Pow(a, b) : Power(a, b),
            };
        }
        catch (OverflowException)
        {
            throw context.Error($"'{op}': the result is too large for an integer");
        }
    }

    private static long Power(long value, long exponent)
    {
        if (value is 0 or 1) return exponent == 0 ? 1 : value;
        if (value == -1) return exponent % 2 == 0 ? 1 : -1;
        long result = 1;
        for (; exponent > 0; exponent--) result = checked(result * value);
        return result;
    }

    private static object Real(RenderContext context, string op, double a, double b) => op switch
    {
        "+" => a + b,
        "-" => a - b,
        "*" => a * b,
        "/" or "//" or "%" when b == 0 => throw context.Error("division by zero"),
        "/" => a / b,
        "//" => Math.Floor(a / b),
        "%" => a - b * Math.Floor(a / b),
        _ => Math.Pow(a, b),
    };

    private static string Concatenate(RenderContext context, string a, string b)
    {
        context.ChargeCharacters((long)a.Length + b.Length);
        return a + b;
    }

    private static string Repeat(RenderContext context, string text, long times)
    {
        if (times <= 0 || text.Length == 0) return "";
        context.ChargeCharacters(text.Length * Math.Min(times, int.MaxValue));
        return string.Concat(Enumerable.Repeat(text, (int)times));
    }

    private static List<object?> Repeat(RenderContext context, List<object?> list, long times)
    {
        if (times <= 0 || list.Count == 0) return [];
        context.ChargeItems(list.Count * Math.Min(times, int.MaxValue));
        return [.. Enumerable.Repeat(list, (int)times).SelectMany(items => items)];
    }
}
