namespace TinyMllm.Loaders.Text.Chat.Jinja;

/// <summary>Statements: builds the syntax tree of a template from its tokens.</summary>
internal sealed class JinjaParser
{
    /// <summary>Deepest nesting of blocks.</summary>
    private const int MaximumDepth = 100;

    private readonly JinjaTokenStream _tokens;
    private readonly ExpressionParser _expressions;
    private int _depth;
    private int _loops;

    private JinjaParser(JinjaTokenStream tokens)
    {
        _tokens = tokens;
        _expressions = new ExpressionParser(tokens);
    }

    /// <summary>Parses a template.</summary>
    /// <exception cref="ChatTemplateException">The template is not well formed, or uses a statement that is not supported.</exception>
    public static Statement[] Parse(string source)
    {
        var parser = new JinjaParser(new JinjaTokenStream(JinjaLexer.Tokenize(source)));
        return parser.ParseUntil(1, "template");
    }

    /// <summary>
    /// Statements up to a block tag with one of the names <paramref name="ends"/>, whose name is taken; without ends, to the end of the
    /// template.
    /// </summary>
    private Statement[] ParseUntil(int line, string construct, params ReadOnlySpan<string> ends)
    {
        if (++_depth > MaximumDepth) throw new ChatTemplateException(line, $"'{construct}' nested deeper than {MaximumDepth}");
        List<Statement> body = [];
        while (true)
        {
            JinjaToken token = _tokens.Take();
            switch (token.Kind)
            {
                case JinjaTokenKind.Text:
                    body.Add(new TextOutput(token.Line, token.Text));
                    break;
                case JinjaTokenKind.OutputBegin:
                    body.Add(new Output(token.Line, _expressions.ParseTuple()));
                    _tokens.Expect(JinjaTokenKind.OutputEnd, "'}}'");
                    break;
                case JinjaTokenKind.BlockBegin:
                    if (_tokens.Current.Kind == JinjaTokenKind.Name && ends.Contains(_tokens.Current.Text))
                    {
                        _depth--;
                        return [.. body];
                    }

                    body.Add(ParseStatement());
                    break;
                default:
                    if (ends.IsEmpty)
                    {
                        _depth--;
                        return [.. body];
                    }

                    throw new ChatTemplateException(line, $"'{construct}' without '{ends[^1]}'");
            }
        }
    }

    private Statement ParseStatement()
    {
        int line = _tokens.Current.Line;
        string name = _tokens.ExpectName("a statement");
        switch (name)
        {
            case "if": return ParseIf(line);
            case "for": return ParseFor(line);
            case "set": return ParseSet(line);
            case "macro": return ParseMacro(line);
            case "call": return ParseCallBlock(line);
            case "with": return ParseWith(line);
            case "filter":
                FilterUse[] filters = _expressions.ParseFilterNames();
                EndTag();
                Statement[] filtered = ParseUntil(line, "filter", "endfilter");
                CloseTag();
                return new FilterBlock(line, filters, filtered);
            case "generation":
                // Marks what the assistant wrote, for training; nothing to do when rendering.
                EndTag();
                Statement[] marked = ParseUntil(line, "generation", "endgeneration");
                CloseTag();
                return new With(line, [], marked, HasScope: false);
            case "autoescape":
                Expression escapes = _expressions.Parse();
                if (escapes is not Literal { Value: false })
                    throw new ChatTemplateException(line, "'autoescape' is not supported: texts are never escaped");
                EndTag();
                Statement[] plain = ParseUntil(line, "autoescape", "endautoescape");
                CloseTag();
                return new With(line, [], plain);
            case "block":
                // There is no template to inherit from: a block is what is in it.
                _tokens.ExpectName("a block's name");
                while (_tokens.TryName("scoped") || _tokens.TryName("required"))
                {
                }

                EndTag();
                Statement[] inside = ParseUntil(line, "block", "endblock");
                _tokens.Take();
                if (_tokens.Current.Kind == JinjaTokenKind.Name) _tokens.Take();
                EndTag();
                return new With(line, [], inside);
            case "do":
                Expression value = _expressions.ParseTuple();
                EndTag();
                return new Do(line, value);
            case "break" or "continue":
                if (_loops == 0) throw new ChatTemplateException(line, $"'{name}' outside of a loop");
                EndTag();
                return new LoopJump(line, name == "break");
            default:
                throw new ChatTemplateException(line, $"statement '{name}' is not supported here");
        }
    }

    private If ParseIf(int line)
    {
        List<(Expression?, Statement[])> branches = [];
        Expression? condition = _expressions.ParseTuple();
        while (true)
        {
            EndTag();
            Statement[] body = condition is null ? ParseUntil(line, "if", "endif") : ParseUntil(line, "if", "elif", "else", "endif");
            branches.Add((condition, body));
            string end = _tokens.Take().Text;
            if (end == "endif")
            {
                EndTag();
                return new If(line, [.. branches]);
            }

            condition = end == "elif" ? _expressions.ParseTuple() : null;
        }
    }

    private For ParseFor(int line)
    {
        Target target = ParseTargets("a loop variable", attributes: false);
        if (!_tokens.TryName("in")) throw _tokens.Unexpected("'in'");
        Expression sequence = _expressions.ParseTuple(allowConditional: false);
        Expression? filter = _tokens.TryName("if") ? _expressions.Parse() : null;
        bool recursive = _tokens.TryName("recursive");
        EndTag();

        _loops++;
        Statement[] body = ParseUntil(line, "for", "else", "endfor");
        _loops--;
        Statement[] otherwise = [];
        if (_tokens.Take().Text == "else")
        {
            EndTag();
            otherwise = ParseUntil(line, "for", "endfor");
            _tokens.Take();
        }

        EndTag();
        return new For(line, target, sequence, filter, recursive, body, otherwise);
    }

    private Statement ParseSet(int line)
    {
        Target target = ParseTargets("a variable", attributes: true);
        if (_tokens.TryOperator("="))
        {
            Expression value = _expressions.ParseTuple();
            EndTag();
            return new Set(line, target, value);
        }

        if (target.Items is not null) throw _tokens.Unexpected("'='");
        FilterUse[] filters = _tokens.TryOperator("|") ? _expressions.ParseFilterNames() : [];
        EndTag();
        Statement[] body = ParseUntil(line, "set", "endset");
        CloseTag();
        return new SetBlock(line, target, body, filters);
    }

    /// <summary>One target, or several separated by commas, each of which may be several in parentheses.</summary>
    private Target ParseTargets(string what, bool attributes)
    {
        if (++_depth > MaximumDepth) throw new ChatTemplateException(_tokens.Current.Line, $"nested deeper than {MaximumDepth}");
        List<Target> targets = [];
        bool comma = false;
        do
        {
            if (targets.Count > 0 && _tokens.Current.Kind != JinjaTokenKind.Name && !_tokens.AtOperator("(")) break;
            if (_tokens.TryOperator("("))
            {
                targets.Add(ParseTargets(what, attributes));
                _tokens.ExpectOperator(")");
            }
            else
            {
                string name = _tokens.ExpectName(what);
                targets.Add(new Target(name, attributes && _tokens.TryOperator(".") ? _tokens.ExpectName("an attribute") : null));
            }
        }
        while (_tokens.TryOperator(",") && (comma = true));

        _depth--;
        return targets.Count == 1 && !comma ? targets[0] : new Target("", Items: [.. targets]);
    }

    private Macro ParseMacro(int line)
    {
        string name = _tokens.ExpectName("a macro's name");
        var parameters = ParseParameters();
        EndTag();
        Statement[] body = ParseMacroBody(line, "macro", "endmacro", out string[] uses);
        return new Macro(line, name, parameters, body, uses);
    }

    private CallBlock ParseCallBlock(int line)
    {
        var parameters = _tokens.AtOperator("(") ? ParseParameters() : [];
        if (_expressions.Parse() is not Call call) throw new ChatTemplateException(line, "'call' needs a call of a macro");
        EndTag();
        Statement[] body = ParseMacroBody(line, "call", "endcall", out string[] uses);
        return new CallBlock(line, call, new Macro(line, "caller", parameters, body, uses));
    }

    /// <summary>A body in which the loops outside do not count.</summary>
    private Statement[] ParseMacroBody(int line, string construct, string end, out string[] uses)
    {
        int loops = _loops, start = _tokens.Position;
        _loops = 0;
        Statement[] body = ParseUntil(line, construct, end);
        _loops = loops;
        uses = [.. new[] { "varargs", "kwargs", "caller" }.Where(name => _tokens.HasNameSince(start, name))];
        CloseTag();
        return body;
    }

    private (string, Expression?)[] ParseParameters()
    {
        List<(string, Expression?)> parameters = [];
        _tokens.ExpectOperator("(");
        while (!_tokens.AtOperator(")"))
        {
            string name = _tokens.ExpectName("a parameter");
            parameters.Add((name, _tokens.TryOperator("=") ? _expressions.Parse() : null));
            if (!_tokens.TryOperator(",")) break;
        }

        _tokens.ExpectOperator(")");
        return [.. parameters];
    }

    private With ParseWith(int line)
    {
        List<(string, Expression)> values = [];
        while (_tokens.Current.Kind == JinjaTokenKind.Name)
        {
            string name = _tokens.Take().Text;
            _tokens.ExpectOperator("=");
            values.Add((name, _expressions.Parse()));
            if (!_tokens.TryOperator(",")) break;
        }

        EndTag();
        Statement[] body = ParseUntil(line, "with", "endwith");
        CloseTag();
        return new With(line, [.. values], body);
    }

    private void EndTag() => _tokens.Expect(JinjaTokenKind.BlockEnd, "'%}'");

    /// <summary>Takes the name of an end tag and its end.</summary>
    private void CloseTag()
    {
        _tokens.Take();
        EndTag();
    }
}
