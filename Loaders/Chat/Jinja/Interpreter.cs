using System.Text;

namespace TinyMllm.Loaders.Chat.Jinja;

/// <summary>Executes the statements of a template.</summary>
internal sealed partial class Interpreter
{
    private readonly RenderContext _context;
    private StringBuilder _output = new();
    private Scope _scope;
    private int _loopDepth;

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
                Assign(set);
                break;
            case SetBlock block:
                Assign(block.Target, ApplyFilters(Capture(block.Body), block.Filters), block.Line);
                break;
            case Macro macro:
                _scope.Set(macro.Name, MakeMacro(macro, _scope));
                break;
            case CallBlock call:
                Write(ValueText.Of(_context, RunCall(call)));
                break;
            case FilterBlock block:
                Write(ValueText.Of(_context, ApplyFilters(Capture(block.Body), block.Filters)));
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

    private void RunLoop(For loop)
    {
        List<object?> items = Values.Items(_context, Evaluate(loop.Sequence));
        Scope outer = _scope;
        if (loop.Filter is not null)
        {
            var passing = new List<object?>();
            foreach (object? item in items)
            {
                _scope = new Scope(outer);
                Bind(loop, item);
                if (Values.IsTrue(Evaluate(loop.Filter))) passing.Add(item);
            }

            items = passing;
        }

        var state = new LoopState(items, _loopDepth++);
        for (; state.Index < items.Count; state.Index++)
        {
            _context.Step(loop.Line);
            _scope = new Scope(outer);
            _scope.Set("loop", state);
            Bind(loop, items[state.Index]);
            if (Run(loop.Body) == Flow.Break) break;
        }

        _loopDepth--;
        _scope = outer;
        if (items.Count == 0) Run(loop.Else);
    }

    private void Bind(For loop, object? item)
    {
        if (loop.Targets.Length == 1)
        {
            _scope.Set(loop.Targets[0], item);
            return;
        }

        List<object?> parts = Unpack(item, loop.Targets.Length, loop.Line);
        for (int i = 0; i < parts.Count; i++) _scope.Set(loop.Targets[i], parts[i]);
    }

    private void Assign(Set set)
    {
        object? value = Evaluate(set.Value);
        if (set.Targets.Length == 1)
        {
            Assign(set.Targets[0], value, set.Line);
            return;
        }

        List<object?> parts = Unpack(value, set.Targets.Length, set.Line);
        for (int i = 0; i < parts.Count; i++) Assign(set.Targets[i], parts[i], set.Line);
    }

    private void Assign((string Name, string? Attribute) target, object? value, int line)
    {
        if (target.Attribute is null) _scope.Set(target.Name, value);
        else if (_scope.Get(target.Name) is Namespace space) space.Attributes[target.Attribute] = value;
        else throw new ChatTemplateException(line, $"'set {target.Name}.{target.Attribute}': only attributes of a namespace can be set");
    }

    private List<object?> Unpack(object? value, int count, int line)
    {
        List<object?> parts = Values.Items(_context, value);
        return parts.Count == count ? parts : throw new ChatTemplateException(line, $"{count} variables but {parts.Count} values");
    }

    private Flow RunWith(With with)
    {
        Scope outer = _scope;
        if (with.Values.Length > 0) _scope = new Scope(outer);
        foreach (var (name, value) in with.Values) _scope.Set(name, Evaluate(value));
        Flow flow = Run(with.Body);
        _scope = outer;
        return flow;
    }

    private Function MakeMacro(Macro macro, Scope home) => new(macro.Name, (_, arguments) =>
    {
        if (arguments.Count > macro.Parameters.Length)
            throw _context.Error($"macro '{macro.Name}' takes {macro.Parameters.Length} arguments, got {arguments.Count}");
        foreach (var (name, _) in arguments.Named)
        {
            if (name != "caller" && !Array.Exists(macro.Parameters, parameter => parameter.Name == name))
                throw _context.Error($"macro '{macro.Name}' has no parameter '{name}'");
        }

        Scope outer = _scope;
        _scope = new Scope(home);
        if (arguments.Get(int.MaxValue, "caller") is Function given) _scope.Set("caller", given);
        for (int i = 0; i < macro.Parameters.Length; i++)
        {
            var (name, byDefault) = macro.Parameters[i];
            _scope.Set(name, arguments.Has(i, name) ? arguments.Get(i, name)
                : byDefault is null ? new Undefined(name) : Evaluate(byDefault));
        }

        string text = Capture(macro.Body);
        _scope = outer;
        return text;
    });

    private object? RunCall(CallBlock block)
    {
        Function caller = MakeMacro(block.Caller, _scope);
        Arguments arguments = EvaluateArguments(block.Target.Arguments);
        arguments.Named.Add(("caller", caller));
        return Invoke(Evaluate(block.Target.Target), arguments, block.Line);
    }

    /// <summary>What a body prints.</summary>
    private string Capture(Statement[] body)
    {
        StringBuilder outer = _output;
        _output = new StringBuilder();
        Run(body);
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
