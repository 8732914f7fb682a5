namespace TinyMllm.Loaders.Text.Chat.Jinja;

/// <summary>A node of the syntax tree.</summary>
/// <param name="Line">1-based line of the template.</param>
internal abstract record Node(int Line);

/// <summary>Something with a value.</summary>
internal abstract record Expression(int Line) : Node(Line);

/// <summary>A constant.</summary>
internal sealed record Literal(int Line, object? Value) : Expression(Line);

/// <summary>A variable.</summary>
internal sealed record Variable(int Line, string Name) : Expression(Line);

/// <summary><c>[a, b]</c>, or <c>(a, b)</c>.</summary>
internal sealed record ListLiteral(int Line, Expression[] Items, bool IsTuple) : Expression(Line);

/// <summary><c>{k: v}</c>.</summary>
internal sealed record DictLiteral(int Line, (Expression Key, Expression Value)[] Items) : Expression(Line);

/// <summary><c>target.name</c>: methods first, then keys.</summary>
internal sealed record Attribute(int Line, Expression Target, string Name) : Expression(Line);

/// <summary><c>target[index]</c>: keys first.</summary>
internal sealed record Item(int Line, Expression Target, Expression Index) : Expression(Line);

/// <summary><c>target[start:stop:step]</c>.</summary>
internal sealed record Slice(int Line, Expression Target, Expression? Start, Expression? Stop, Expression? Step) : Expression(Line);

/// <summary>Arguments of a call, filter or test.</summary>
/// <param name="Positional">Those without a name.</param>
/// <param name="Named">Those with one.</param>
/// <param name="More"><c>*more</c>: a list of further ones without a name; null if there is none.</param>
/// <param name="MoreNamed"><c>**more</c>: a dict of further ones with a name; null if there is none.</param>
internal sealed record ArgumentList(
    Expression[] Positional, (string Name, Expression Value)[] Named, Expression? More = null, Expression? MoreNamed = null)
{
    public static ArgumentList Empty { get; } = new([], []);
}

/// <summary><c>target(...)</c>.</summary>
internal sealed record Call(int Line, Expression Target, ArgumentList Arguments) : Expression(Line);

/// <summary><c>input | name(...)</c>.</summary>
internal sealed record FilterUse(int Line, Expression Input, string Name, ArgumentList Arguments) : Expression(Line);

/// <summary><c>input is name(...)</c>, or <c>is not</c>.</summary>
internal sealed record TestUse(int Line, Expression Input, string Name, ArgumentList Arguments, bool Negated) : Expression(Line);

/// <summary><c>-x</c>, <c>+x</c> or <c>not x</c>.</summary>
internal sealed record Unary(int Line, string Operator, Expression Operand) : Expression(Line);

/// <summary>Arithmetic, <c>~</c>, <c>and</c>, <c>or</c>.</summary>
internal sealed record Binary(int Line, string Operator, Expression Left, Expression Right) : Expression(Line);

/// <summary>Chained comparisons: <c>a &lt; b &lt;= c</c>.</summary>
internal sealed record Comparison(int Line, Expression First, (string Operator, Expression Operand)[] Rest) : Expression(Line);

/// <summary><c>a if condition else b</c>.</summary>
internal sealed record Conditional(int Line, Expression Condition, Expression Then, Expression? Else) : Expression(Line);

/// <summary>Something that is executed.</summary>
internal abstract record Statement(int Line) : Node(Line);

/// <summary>Text outside of tags.</summary>
internal sealed record TextOutput(int Line, string Text) : Statement(Line);

/// <summary><c>{{ value }}</c>.</summary>
internal sealed record Output(int Line, Expression Value) : Statement(Line);

/// <summary>An if with its elifs; the last branch has no condition when there is an else.</summary>
internal sealed record If(int Line, (Expression? Condition, Statement[] Body)[] Branches) : Statement(Line);

/// <summary>Where a value goes: a name, an attribute of a namespace, or several targets that share the items of a list.</summary>
internal sealed record Target(string Name, string? Attribute = null, Target[]? Items = null);

/// <summary><c>for target in sequence if filter recursive … else …</c>.</summary>
internal sealed record For(
    int Line, Target Target, Expression Sequence, Expression? Filter, bool Recursive, Statement[] Body, Statement[] Else) : Statement(Line);

/// <summary><c>set target = value</c>.</summary>
internal sealed record Set(int Line, Target Target, Expression Value) : Statement(Line);

/// <summary><c>set name | filter … endset</c>.</summary>
internal sealed record SetBlock(int Line, Target Target, Statement[] Body, FilterUse[] Filters) : Statement(Line);

/// <summary>A macro; parameters without default have null there.</summary>
/// <param name="Line">Line of the template.</param>
/// <param name="Name">Its name.</param>
/// <param name="Parameters">Its parameters.</param>
/// <param name="Body">What it prints.</param>
/// <param name="Uses">Which of the names <c>varargs</c>, <c>kwargs</c> and <c>caller</c> it uses; what it does not use, calls may not
/// give.</param>
internal sealed record Macro(
    int Line, string Name, (string Name, Expression? Default)[] Parameters, Statement[] Body, string[] Uses) : Statement(Line);

/// <summary><c>call(parameters) macro(...) … endcall</c>.</summary>
internal sealed record CallBlock(int Line, Call Target, Macro Caller) : Statement(Line);

/// <summary><c>filter name … endfilter</c>.</summary>
internal sealed record FilterBlock(int Line, FilterUse[] Filters, Statement[] Body) : Statement(Line);

/// <summary><c>with a = 1 … endwith</c>; also other pairs of tags that change nothing about what is between them.</summary>
internal sealed record With(int Line, (string Name, Expression Value)[] Values, Statement[] Body, bool HasScope = true) : Statement(Line);

/// <summary><c>do expression</c>.</summary>
internal sealed record Do(int Line, Expression Value) : Statement(Line);

/// <summary><c>break</c> or <c>continue</c>.</summary>
internal sealed record LoopJump(int Line, bool IsBreak) : Statement(Line);
