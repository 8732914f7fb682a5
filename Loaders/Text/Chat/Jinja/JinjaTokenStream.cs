namespace TinyMllm.Loaders.Text.Chat.Jinja;

/// <summary>Reads tokens one after the other.</summary>
internal sealed class JinjaTokenStream(List<JinjaToken> tokens)
{
    private int _next;

    /// <summary>The token that comes next.</summary>
    public JinjaToken Current => tokens[_next];

    /// <summary>The token after that.</summary>
    public JinjaToken Following => tokens[Math.Min(_next + 1, tokens.Count - 1)];

    /// <summary>Number of tokens taken so far.</summary>
    public int Position => _next;

    /// <summary>True when a name occurs among the tokens taken since a position.</summary>
    public bool HasNameSince(int position, string name) =>
        tokens.FindIndex(position, _next - position, token => token.Kind == JinjaTokenKind.Name && token.Text == name) >= 0;

    /// <summary>Takes the current token.</summary>
    public JinjaToken Take()
    {
        JinjaToken token = Current;
        if (_next < tokens.Count - 1) _next++;
        return token;
    }

    /// <summary>True when the current token is this operator.</summary>
    public bool AtOperator(string text) => Current.Kind == JinjaTokenKind.Operator && Current.Text == text;

    /// <summary>True when the current token is this name.</summary>
    public bool AtName(string text) => Current.Kind == JinjaTokenKind.Name && Current.Text == text;

    /// <summary>Takes the operator if it is there.</summary>
    public bool TryOperator(string text)
    {
        bool there = AtOperator(text);
        if (there) Take();
        return there;
    }

    /// <summary>Takes the name if it is there.</summary>
    public bool TryName(string text)
    {
        bool there = AtName(text);
        if (there) Take();
        return there;
    }

    /// <summary>Takes an operator that must be there.</summary>
    public void ExpectOperator(string text)
    {
        if (!TryOperator(text)) throw Unexpected($"'{text}'");
    }

    /// <summary>Takes a name that must be there and returns it.</summary>
    public string ExpectName(string what)
    {
        if (Current.Kind != JinjaTokenKind.Name) throw Unexpected(what);
        return Take().Text;
    }

    /// <summary>Takes a token of a kind that must be there.</summary>
    public void Expect(JinjaTokenKind kind, string what)
    {
        if (Current.Kind != kind) throw Unexpected(what);
        Take();
    }

    /// <summary>The error that something else was expected here.</summary>
    public ChatTemplateException Unexpected(string expected) => new(Current.Line, $"found {Current.Description}, expected {expected}");
}
