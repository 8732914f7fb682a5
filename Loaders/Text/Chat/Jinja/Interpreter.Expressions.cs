namespace TinyMllm.Loaders.Text.Chat.Jinja;

/// <summary>Evaluates expressions.</summary>
internal sealed partial class Interpreter
{
    private object? Evaluate(Expression expression)
    {
        _context.Step(expression.Line);
        _context.Enter();
        object? value = expression switch
        {
            Literal literal => literal.Value,
            Variable variable => _scope.Get(variable.Name),
            Attribute attribute => Members.GetAttribute(_context, Evaluate(attribute.Target), attribute.Name),
            Item item => Members.GetItem(_context, Evaluate(item.Target), Evaluate(item.Index)),
            Slice slice => EvaluateSlice(slice),
            Call call => Invoke(Evaluate(call.Target), EvaluateArguments(call.Arguments), call.Line),
            FilterUse filter => ApplyFilter(filter, Evaluate(filter.Input)),
            TestUse test => EvaluateTest(test) != test.Negated,
            Unary unary => EvaluateUnary(unary),
            Binary { Operator: "and" } and => Evaluate(and.Left) is var left && Values.IsTrue(left) ? Evaluate(and.Right) : left,
            Binary { Operator: "or" } or => Evaluate(or.Left) is var left && Values.IsTrue(left) ? left : Evaluate(or.Right),
            Binary binary => Arithmetic.Apply(_context, binary.Operator, Evaluate(binary.Left), Evaluate(binary.Right), binary.Line),
            Comparison comparison => EvaluateComparison(comparison),
            Conditional choice => Values.IsTrue(Evaluate(choice.Condition)) ? Evaluate(choice.Then)
                : choice.Else is null ? new Undefined("a condition without else") : Evaluate(choice.Else),
            ListLiteral list => EvaluateList(list),
            DictLiteral dict => EvaluateDict(dict),
            _ => throw new ChatTemplateException(expression.Line, $"{expression.GetType().Name} cannot be evaluated"),
        };
        _context.Leave();
        _context.Line = expression.Line;
        return value;
    }

    private Arguments EvaluateArguments(ArgumentList list)
    {
        Arguments arguments = Arguments.None;
        foreach (Expression item in list.Positional) arguments.Positional.Add(Evaluate(item));
        foreach (var (name, item) in list.Named) arguments.Named.Add((name, Evaluate(item)));
        if (list.More is not null) arguments.Positional.AddRange(Values.Items(_context, Evaluate(list.More)));
        if (list.MoreNamed is not null)
        {
            if (Evaluate(list.MoreNamed) is not Dict more) throw _context.Error("'**' needs a dict");
            _context.ChargeItems(more.Count);
            foreach (var (name, value) in more) arguments.Named.Add((ValueText.Of(_context, name), value));
        }

        return arguments;
    }

    private object? Invoke(object? target, Arguments arguments, int line)
    {
        _context.Line = line;
        return target switch
        {
            Function function => function.Body(_context, arguments),
            LoopState { Recurse: { } again } => again(arguments.Get(0, "iterable")),
            Undefined missing => throw new ChatTemplateException(line, $"'{missing.What}' is not defined, so it cannot be called"),
            _ => throw new ChatTemplateException(line, $"{Values.TypeName(target)} cannot be called"),
        };
    }

    private object? ApplyFilter(FilterUse use, object? input)
    {
        Arguments arguments = EvaluateArguments(use.Arguments);
        _context.Line = use.Line;
        return Filters.Find(use.Name) is { } filter
            ? filter(_context, input, arguments)
            : throw new ChatTemplateException(use.Line, $"unknown filter '{use.Name}'");
    }

    private bool EvaluateTest(TestUse use)
    {
        object? input = Evaluate(use.Input);
        Arguments arguments = EvaluateArguments(use.Arguments);
        _context.Line = use.Line;
        return ValueTests.Find(use.Name) is { } test
            ? test(_context, input, arguments)
            : throw new ChatTemplateException(use.Line, $"unknown test '{use.Name}'");
    }

    private object? EvaluateUnary(Unary unary)
    {
        object? operand = Evaluate(unary.Operand);
        return unary.Operator == "not" ? !Values.IsTrue(operand) : Arithmetic.Sign(_context, unary.Operator, operand);
    }

    private bool EvaluateComparison(Comparison comparison)
    {
        object? left = Evaluate(comparison.First);
        foreach (var (op, operand) in comparison.Rest)
        {
            object? right = Evaluate(operand);
            bool holds = op switch
            {
                "==" => Values.AreEqual(_context, left, right),
                "!=" => !Values.AreEqual(_context, left, right),
                "in" => Values.Contains(_context, right, left),
                "not in" => !Values.Contains(_context, right, left),
                "<" => Values.Compare(_context, left, right) < 0,
                "<=" => Values.Compare(_context, left, right) <= 0,
                ">" => Values.Compare(_context, left, right) > 0,
                _ => Values.Compare(_context, left, right) >= 0,
            };
            if (!holds) return false;
            left = right;
        }

        return true;
    }

    private List<object?> EvaluateList(ListLiteral literal)
    {
        var items = new List<object?>(literal.Items.Length);
        foreach (Expression item in literal.Items) items.Add(Evaluate(item));
        return literal.IsTuple ? new JinjaTuple(items) : items;
    }

    private Dict EvaluateDict(DictLiteral literal)
    {
        var dict = new Dict();
        foreach (var (keyExpression, valueExpression) in literal.Items)
        {
            object? key = Evaluate(keyExpression);
            if (!Values.IsKey(key)) throw _context.Error($"{Values.TypeName(key)} cannot be a key");
            dict[key!] = Evaluate(valueExpression);
        }

        return dict;
    }

    private object? EvaluateSlice(Slice slice)
    {
        object? target = Evaluate(slice.Target);
        long? start = Bound(slice.Start), stop = Bound(slice.Stop), step = Bound(slice.Step);
        return Members.GetSlice(_context, target, start, stop, step ?? 1);
    }

    private long? Bound(Expression? expression)
    {
        if (expression is null) return null;
        object? value = Evaluate(expression);
        if (value is null) return null;
        return Values.TryInteger(value, out long bound) ? bound : throw _context.Error($"a slice needs integers, not {Values.TypeName(value)}");
    }
}
