using System.Globalization;

namespace TinyMllm.Loaders.Text.Chat.Jinja;

/// <summary>
/// Expressions, with Jinja2's precedence from low to high: <c>a if c else b</c>; or; and; not; comparisons; + -; ~; * / // %; **; unary;
/// filters and tests; calls, attributes and items.
/// </summary>
internal sealed class ExpressionParser(JinjaTokenStream tokens)
{
    /// <summary>Deepest nesting of brackets and unary operators: far above what templates use, far below what the stack holds.</summary>
    private const int MaximumDepth = 100;

    private static readonly string[][] BinaryLevels = [["+", "-"], ["~"], ["*", "/", "//", "%"], ["**"]];
    private static readonly string[] Comparisons = ["==", "!=", "<", ">", "<=", ">="];
    private int _depth;

    /// <summary>A whole expression.</summary>
    public Expression Parse()
    {
        if (++_depth > MaximumDepth) throw new ChatTemplateException(tokens.Current.Line, $"expression nested deeper than {MaximumDepth}");
        Expression value = ParseOr();
        while (tokens.AtName("if"))
        {
            int line = tokens.Take().Line;
            Expression condition = ParseOr();
            value = new Conditional(line, condition, value, tokens.TryName("else") ? Parse() : null);
        }

        _depth--;
        return value;
    }

    /// <summary>
    /// An expression, or several separated by commas as a tuple; without <c>if</c> at the top when it is a loop's sequence.
    /// </summary>
    public Expression ParseTuple(bool allowConditional = true)
    {
        int line = tokens.Current.Line;
        Expression first = allowConditional ? Parse() : ParseOr();
        if (!tokens.AtOperator(",")) return first;
        List<Expression> items = [first];
        while (tokens.TryOperator(",") && tokens.Current.Kind is not (JinjaTokenKind.BlockEnd or JinjaTokenKind.OutputEnd) && !tokens.AtOperator(")"))
            items.Add(allowConditional ? Parse() : ParseOr());
        return new ListLiteral(line, [.. items], IsTuple: true);
    }

    /// <summary>Arguments from <c>(</c> to <c>)</c>.</summary>
    public ArgumentList ParseArguments()
    {
        tokens.ExpectOperator("(");
        List<Expression> positional = [];
        List<(string, Expression)> named = [];
        Expression? more = null, moreNamed = null;
        while (!tokens.AtOperator(")"))
        {
            int line = tokens.Current.Line;
            if (more is null && tokens.TryOperator("*"))
            {
                more = Parse();
            }
            else if (moreNamed is null && tokens.TryOperator("**"))
            {
                moreNamed = Parse();
            }
            else if (tokens.Current.Kind == JinjaTokenKind.Name && tokens.Following is { Kind: JinjaTokenKind.Operator, Text: "=" })
            {
                string name = tokens.Take().Text;
                tokens.Take();
                named.Add((name, Parse()));
            }
            else if (more is not null || named.Count > 0 || moreNamed is not null)
            {
                throw new ChatTemplateException(line, "an argument without a name stands behind one with a name");
            }
            else
            {
                positional.Add(Parse());
            }

            if (!tokens.TryOperator(",")) break;
        }

        tokens.ExpectOperator(")");
        return new ArgumentList([.. positional], [.. named], more, moreNamed);
    }

    /// <summary><c>name(...) | name(...)</c> as filter blocks have it; the input is filled in by the interpreter.</summary>
    public FilterUse[] ParseFilterNames()
    {
        List<FilterUse> filters = [];
        do
        {
            int line = tokens.Current.Line;
            string name = tokens.ExpectName("a filter");
            filters.Add(new FilterUse(line, new Literal(line, ""), name, tokens.AtOperator("(") ? ParseArguments() : ArgumentList.Empty));
        }
        while (tokens.TryOperator("|"));
        return [.. filters];
    }

    private Expression ParseOr()
    {
        Expression left = ParseAnd();
        while (tokens.AtName("or")) left = new Binary(tokens.Take().Line, "or", left, ParseAnd());
        return left;
    }

    private Expression ParseAnd()
    {
        Expression left = ParseNot();
        while (tokens.AtName("and")) left = new Binary(tokens.Take().Line, "and", left, ParseNot());
        return left;
    }

    private Expression ParseNot()
    {
        if (!tokens.AtName("not")) return ParseComparison();
        int line = tokens.Take().Line;
        return new Unary(line, "not", Deeper(ParseNot));
    }

    private Expression ParseComparison()
    {
        int line = tokens.Current.Line;
        Expression first = ParseBinary(0);
        List<(string, Expression)> rest = [];
        while (true)
        {
            JinjaToken token = tokens.Current;
            if (token.Kind == JinjaTokenKind.Operator && Comparisons.Contains(token.Text))
            {
                tokens.Take();
                rest.Add((token.Text, ParseBinary(0)));
            }
            else if (tokens.TryName("in"))
            {
                rest.Add(("in", ParseBinary(0)));
            }
            else if (tokens.AtName("not") && tokens.Following is { Kind: JinjaTokenKind.Name, Text: "in" })
            {
                tokens.Take();
                tokens.Take();
                rest.Add(("not in", ParseBinary(0)));
            }
            else
            {
                return rest.Count == 0 ? first : new Comparison(line, first, [.. rest]);
            }
        }
    }

    private Expression ParseBinary(int level)
    {
        if (level == BinaryLevels.Length) return ParseUnary(withFilters: true);
        Expression left = ParseBinary(level + 1);
        while (tokens.Current.Kind == JinjaTokenKind.Operator && BinaryLevels[level].Contains(tokens.Current.Text))
        {
            JinjaToken op = tokens.Take();
            left = new Binary(op.Line, op.Text, left, ParseBinary(level + 1));
        }

        return left;
    }

    private Expression ParseUnary(bool withFilters)
    {
        Expression value;
        if (tokens.AtOperator("-") || tokens.AtOperator("+"))
        {
            JinjaToken sign = tokens.Take();
            value = new Unary(sign.Line, sign.Text, Deeper(() => ParseUnary(withFilters: false)));
        }
        else
        {
            value = ParsePostfix(ParsePrimary());
        }

        return withFilters ? ParseFiltersAndTests(value) : value;
    }

    private Expression ParseFiltersAndTests(Expression value)
    {
        while (true)
        {
            int line = tokens.Current.Line;
            if (tokens.TryOperator("|"))
            {
                string name = tokens.ExpectName("a filter");
                value = new FilterUse(line, value, name, tokens.AtOperator("(") ? ParseArguments() : ArgumentList.Empty);
            }
            else if (tokens.TryName("is"))
            {
                bool negated = tokens.TryName("not");
                bool symbol = tokens.Current.Kind == JinjaTokenKind.Operator && Comparisons.Contains(tokens.Current.Text);
                string name = symbol ? tokens.Take().Text : tokens.ExpectName("a test");
                value = new TestUse(line, value, name, ParseTestArguments(), negated);
            }
            else if (tokens.AtOperator("(") || tokens.AtOperator(".") || tokens.AtOperator("["))
            {
                value = ParsePostfix(value);
            }
            else
            {
                return value;
            }
        }
    }

    /// <summary>A test's arguments in parentheses, or one plain argument: <c>x is divisibleby 3</c>.</summary>
    private ArgumentList ParseTestArguments()
    {
        if (tokens.AtOperator("(")) return ParseArguments();
        bool argument = tokens.Current.Kind switch
        {
            JinjaTokenKind.String or JinjaTokenKind.Integer or JinjaTokenKind.Float => true,
            JinjaTokenKind.Name => tokens.Current.Text is not ("else" or "or" or "and" or "if" or "in" or "is" or "not"),
            JinjaTokenKind.Operator => tokens.Current.Text is "[" or "{",
            _ => false,
        };
        return argument ? new ArgumentList([ParsePostfix(ParsePrimary())], []) : ArgumentList.Empty;
    }

    private Expression ParsePostfix(Expression value)
    {
        while (true)
        {
            int line = tokens.Current.Line;
            if (tokens.TryOperator("."))
            {
                if (tokens.Current.Kind == JinjaTokenKind.Integer) value = new Item(line, value, ParsePrimary());
                else value = new Attribute(line, value, tokens.ExpectName("an attribute"));
            }
            else if (tokens.TryOperator("["))
            {
                value = ParseSubscript(line, value);
            }
            else if (tokens.AtOperator("("))
            {
                value = new Call(line, value, ParseArguments());
            }
            else
            {
                return value;
            }
        }
    }

    private Expression ParseSubscript(int line, Expression target)
    {
        Expression? start = tokens.AtOperator(":") ? null : Parse();
        if (start is not null && tokens.TryOperator("]")) return new Item(line, target, start);
        tokens.ExpectOperator(":");
        Expression? stop = tokens.AtOperator(":") || tokens.AtOperator("]") ? null : Parse();
        Expression? step = tokens.TryOperator(":") && !tokens.AtOperator("]") ? Parse() : null;
        tokens.ExpectOperator("]");
        return new Slice(line, target, start, stop, step);
    }

    private Expression ParsePrimary()
    {
        JinjaToken token = tokens.Take();
        switch (token.Kind)
        {
            case JinjaTokenKind.Name:
                return token.Text switch
                {
                    "true" or "True" => new Literal(token.Line, true),
                    "false" or "False" => new Literal(token.Line, false),
                    "none" or "None" => new Literal(token.Line, null),
                    _ => new Variable(token.Line, token.Text),
                };
            case JinjaTokenKind.String:
                string text = token.Text;
                while (tokens.Current.Kind == JinjaTokenKind.String) text += tokens.Take().Text;
                return new Literal(token.Line, text);
            case JinjaTokenKind.Integer:
                return new Literal(token.Line, ParseInteger(token));
            case JinjaTokenKind.Float:
                return new Literal(token.Line, double.Parse(token.Text.Replace("_", "", StringComparison.Ordinal), CultureInfo.InvariantCulture));
            case JinjaTokenKind.Operator when token.Text == "(":
                return ParseParenthesised(token.Line);
            case JinjaTokenKind.Operator when token.Text == "[":
                List<Expression> items = [];
                while (!tokens.AtOperator("]"))
                {
                    items.Add(Parse());
                    if (!tokens.TryOperator(",")) break;
                }

                tokens.ExpectOperator("]");
                return new ListLiteral(token.Line, [.. items], IsTuple: false);
            case JinjaTokenKind.Operator when token.Text == "{":
                return ParseDict(token.Line);
            default:
                throw new ChatTemplateException(token.Line, $"found {token.Description}, expected an expression");
        }
    }

    private static long ParseInteger(JinjaToken token)
    {
        string digits = token.Text.Replace("_", "", StringComparison.Ordinal);
        try
        {
            return digits.Length > 2 && digits[1] is 'x' or 'X' ? Convert.ToInt64(digits[2..], 16)
                : digits.Length > 2 && digits[1] is 'o' or 'O' ? Convert.ToInt64(digits[2..], 8)
                : digits.Length > 2 && digits[1] is 'b' or 'B' ? Convert.ToInt64(digits[2..], 2)
                : long.Parse(digits, CultureInfo.InvariantCulture);
        }
        catch (Exception problem) when (problem is OverflowException or FormatException)
        {
            throw new ChatTemplateException(token.Line, $"integer {token.Text} is too large");
        }
    }

    private Expression ParseParenthesised(int line)
    {
        if (tokens.TryOperator(")")) return new ListLiteral(line, [], IsTuple: true);
        Expression value = ParseTuple();
        tokens.ExpectOperator(")");
        return value;
    }

    private DictLiteral ParseDict(int line)
    {
        List<(Expression, Expression)> items = [];
        while (!tokens.AtOperator("}"))
        {
            Expression key = Parse();
            tokens.ExpectOperator(":");
            items.Add((key, Parse()));
            if (!tokens.TryOperator(",")) break;
        }

        tokens.ExpectOperator("}");
        return new DictLiteral(line, [.. items]);
    }

    private Expression Deeper(Func<Expression> parse)
    {
        if (++_depth > MaximumDepth) throw new ChatTemplateException(tokens.Current.Line, $"expression nested deeper than {MaximumDepth}");
        Expression value = parse();
        _depth--;
        return value;
    }
}
