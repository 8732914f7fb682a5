using System.Text;

namespace TinyMllm.Loaders.Text.Chat.Jinja;

/// <summary>Executes the statements of a template.</summary>
internal sealed partial class Interpreter
{
    private readonly RenderContext _context;
    private StringBuilder _output = new();
    private Scope _scope;

    /// <summary>What made a body end.</summary>
    private enum Flow
    {
        Normal,
        Break,
        Continue,
    }

    private Interpreter(RenderContext context, Scope globals)
    {
        _context = context;
        _scope = globals;
    }

    /// <summary>Renders a template with the given variables.</summary>
    public static string Render(Statement[] template, RenderContext context, IEnumerable<(string Name, object? Value)> variables)
    {
        var globals = new Scope(null);
        Globals.AddTo(globals);
        foreach (var (name, value) in variables) globals.Set(name, value);
        var interpreter = new Interpreter(context, new Scope(globals));
        interpreter.Run(template);
        return interpreter._output.ToString();
    }

    private Flow Run(Statement[] body)
    {
        _context.Enter();
        Flow flow = Flow.Normal;
        foreach (Statement statement in body)
        {
            _context.Step(statement.Line);
            flow = Run(statement);
            if (flow != Flow.Normal) break;
        }

        _context.Leave();
        return flow;
    }

    private Flow Run(Statement statement)
    {
        switch (statement)
        {
            case TextOutput text:
                Write(text.Text);
                break;
            case Output output:
                Write(ValueText.Of(_context, Evaluate(output.Value)));
                break;
            case If choice:
                foreach (var (condition, body) in choice.Branches)
                {
                    if (condition is null || Values.IsTrue(Evaluate(condition))) return Run(body);
                }

                break;
            case For loop:
                RunLoop(loop);
                break;
            case Set set:
                Assign(set.Target, Evaluate(set.Value), set.Line);
                break;
            case SetBlock block:
                Assign(block.Target, ApplyFilters(Capture(() => Run(block.Body)), block.Filters), block.Line);
                break;
            case Macro macro:
                _scope.Set(macro.Name, MakeMacro(macro, _scope));
                break;
            case CallBlock call:
                Write(ValueText.Of(_context, RunCall(call)));
                break;
            case FilterBlock block:
                Write(ValueText.Of(_context, ApplyFilters(Capture(() => Run(block.Body)), block.Filters)));
                break;
            case With with:
                return RunWith(with);
            case Do action:
                Evaluate(action.Value);
                break;
            case LoopJump jump:
                return jump.IsBreak ? Flow.Break : Flow.Continue;
        }

        return Flow.Normal;
    }

    private void RunLoop(For loop) => RunLoop(loop, Evaluate(loop.Sequence), _scope, depth: 0);

    /// <summary>Runs a loop over a value; a recursive loop calls this again for values inside of the first.</summary>
    private void RunLoop(For loop, object? sequence, Scope outer, int depth)
    {
        Scope before = _scope;
        List<object?> items = Values.Items(_context, sequence);
        if (loop.Filter is not null)
        {
            var passing = new List<object?>();
            foreach (object? item in items)
            {
                _scope = new Scope(outer);
                Assign(loop.Target, item, loop.Line);
                if (Values.IsTrue(Evaluate(loop.Filter))) passing.Add(item);
            }

            items = passing;
        }

        var state = new LoopState(items, depth);
        if (loop.Recursive) state.Recurse = inner => Capture(() => RunLoop(loop, inner, outer, depth + 1));
        for (; state.Index < items.Count; state.Index++)
        {
            _context.Step(loop.Line);
            _scope = new Scope(outer);
            _scope.Set("loop", state);
            Assign(loop.Target, items[state.Index], loop.Line);
            if (Run(loop.Body) == Flow.Break) break;
        }

        _scope = outer;
        if (items.Count == 0) Run(loop.Else);
        _scope = before;
    }

    private void Assign(Target target, object? value, int line)
    {
        if (target.Items is { } targets)
        {
            List<object?> parts = Values.Items(_context, value);
            if (parts.Count != targets.Length)
                throw new ChatTemplateException(line, $"{targets.Length} variables but {parts.Count} values");
            for (int i = 0; i < parts.Count; i++) Assign(targets[i], parts[i], line);
        }
        else if (target.Attribute is null)
        {
            _scope.Set(target.Name, value);
        }
        else if (_scope.Get(target.Name) is Namespace space)
        {
            space.Attributes[target.Attribute] = value;
        }
        else
        {
            throw new ChatTemplateException(line, $"'set {target.Name}.{target.Attribute}': only attributes of a namespace can be set");
        }
    }

    private Flow RunWith(With with)
    {
        Scope outer = _scope;
        (string Name, object? Value)[] values = [.. with.Values.Select(pair => (pair.Name, Evaluate(pair.Value)))];
        if (with.HasScope) _scope = new Scope(outer);
        foreach (var (name, value) in values) _scope.Set(name, value);
        Flow flow = Run(with.Body);
        _scope = outer;
        return flow;
    }

    private Function MakeMacro(Macro macro, Scope home) => new(macro.Name, (_, arguments) => CallMacro(macro, home, arguments))
    {
        Attributes = Dict.Of(("name", macro.Name),
            ("arguments", new JinjaTuple(macro.Parameters.Select(parameter => (object?)parameter.Name))),
            ("catch_varargs", macro.Uses.Contains("varargs")), ("catch_kwargs", macro.Uses.Contains("kwargs")),
                ("caller", macro.Uses.Contains("caller"))),
    };

    private string CallMacro(Macro macro, Scope home, Arguments arguments)
    {
        _context.Enter();
        bool more = macro.Uses.Contains("varargs");
        if (arguments.Count > macro.Parameters.Length && !more)
            throw _context.Error($"macro '{macro.Name}' takes {macro.Parameters.Length} arguments, got {arguments.Count}");
        var others = new Dict();
        foreach (var (name, value) in arguments.Named)
        {
            if (Array.Exists(macro.Parameters, parameter => parameter.Name == name)
                || (name == "caller" && macro.Uses.Contains("caller")))
            {
                continue;
            }

            if (!macro.Uses.Contains("kwargs")) throw _context.Error($"macro '{macro.Name}' has no parameter '{name}'");
            others[name] = value;
        }

        Scope outer = _scope;
        _scope = new Scope(home);
        if (more) _scope.Set("varargs", new JinjaTuple(arguments.Positional.Skip(macro.Parameters.Length)));
        if (macro.Uses.Contains("kwargs")) _scope.Set("kwargs", others);
        if (macro.Uses.Contains("caller")) _scope.Set("caller", arguments.Get(int.MaxValue, "caller", new Undefined("caller")));
        for (int i = 0; i < macro.Parameters.Length; i++)
        {
            var (name, byDefault) = macro.Parameters[i];
            _scope.Set(name, arguments.Has(i, name) ? arguments.Get(i, name)
                : byDefault is null ? new Undefined(name) : Evaluate(byDefault));
        }

        string text = Capture(() => Run(macro.Body));
        _scope = outer;
        _context.Leave();
        return text;
    }

    private object? RunCall(CallBlock block)
    {
        Function caller = MakeMacro(block.Caller, _scope);
        Arguments arguments = EvaluateArguments(block.Target.Arguments);
        arguments.Named.Add(("caller", caller));
        return Invoke(Evaluate(block.Target.Target), arguments, block.Line);
    }

    /// <summary>What something prints.</summary>
    private string Capture(Action print)
    {
        StringBuilder outer = _output;
        _output = new StringBuilder();
        print();
        string text = _output.ToString();
        _output = outer;
        return text;
    }

    private object? ApplyFilters(object? value, FilterUse[] filters)
    {
        foreach (FilterUse filter in filters) value = ApplyFilter(filter, value);
        return value;
    }

    private void Write(string text)
    {
        _context.ChargeCharacters(text.Length);
        if (_output.Length + text.Length > RenderContext.OutputLimit) throw _context.Error($"output longer than {RenderContext.OutputLimit} characters");
        _output.Append(text);
    }
}
