namespace TinyMllm.Loaders.Text.Grammars;

/// <summary>
/// Follows a grammar character by character. The grammar is a nondeterministic pushdown automaton: a state is a set of stacks, each with the
/// terminal that must come next on top. Stacks share their lower parts (a node is an element and the node below it), equal stacks and equal
/// sets are one object, and where a character leads from a state is worked out once: text that repeats its form costs a table look-up.
/// </summary>
internal sealed class GrammarAutomaton
{
    /// <summary>Most places that one character may lead to before rules are followed to their first terminals.</summary>
    private const int MaximumPlaces = 1 << 17;

    /// <summary>Node of the empty stack: the grammar is complete.</summary>
    private const int Empty = 0;

    private readonly Grammar _grammar;
    private readonly CharacterClasses _classes;
    private readonly List<Node> _nodes = [new Node(-1, -1)];
    private readonly Dictionary<Node, int> _nodeNumbers = [];
    private readonly Dictionary<StackSet, GrammarState> _states = [];
    private readonly HashSet<int> _visited = [];
    private readonly Stack<Node> _work = new();
    private readonly SortedSet<int> _found = [];

    /// <summary>Begins a grammar.</summary>
    public GrammarAutomaton(Grammar grammar, GrammarAutomaton? continued = null, GrammarState? at = null)
    {
        _grammar = grammar;
        _classes = continued?._classes ?? new CharacterClasses(grammar);
        foreach (int alternative in grammar.Alternatives(grammar.Root)) Expand(alternative, Empty);
        Start = TakeFound()!;
        Continued = at is null ? Start : Copy(continued!, at);
    }

    /// <summary>The state before any character.</summary>
    public GrammarState Start { get; }

    /// <summary>The state that was taken over from another automaton.</summary>
    public GrammarState Continued { get; }

    /// <summary>Number of nodes and states held: a measure of memory.</summary>
    public int Size => _nodes.Count + _states.Count * _classes.Count;

    /// <summary>Where a character leads; null when the grammar does not allow it.</summary>
    public GrammarState? Next(GrammarState state, int codePoint)
    {
        int characterClass = _classes.Of(codePoint);
        if (state.TryNext(characterClass, out GrammarState? known)) return known;
        foreach (int stack in state.Stacks)
        {
            if (stack == Empty) continue;
            Node node = _nodes[stack];
            GrammarElement element = _grammar.Elements[node.Element];
            if (element.Kind == GrammarElementKind.Set && _classes.IsIn(characterClass, element.Value)) Expand(node.Element + 1, node.Below);
        }

        GrammarState? next = TakeFound();
        state.SetNext(characterClass, _classes.Count, next);
        return next;
    }

    /// <summary>Where a token leads through elements that name tokens; null when there is none.</summary>
    public GrammarState? NextByToken(GrammarState state, int token, GrammarState? alsoByText)
    {
        foreach (int stack in state.Stacks)
        {
            if (stack != Empty && TokenMatches(_grammar.Elements[_nodes[stack].Element], token)) Expand(_nodes[stack].Element + 1, _nodes[stack].Below);
        }

        foreach (int stack in alsoByText is null ? [] : alsoByText.Stacks) _found.Add(stack);
        return TakeFound();
    }

    /// <summary>True when an element that names tokens allows this one.</summary>
    public bool AllowsToken(GrammarState state, int token)
    {
        if (!state.NamesTokens) return false;
        foreach (int stack in state.Stacks)
        {
            if (stack != Empty && TokenMatches(_grammar.Elements[_nodes[stack].Element], token)) return true;
        }

        return false;
    }

    /// <summary>True when some character from first to last can come next.</summary>
    public bool AllowsAny(GrammarState state, int first, int last)
    {
        foreach (int stack in state.Stacks)
        {
            if (stack == Empty) continue;
            GrammarElement element = _grammar.Elements[_nodes[stack].Element];
            if (element.Kind == GrammarElementKind.Set && _grammar.Sets[element.Value].Overlaps(first, last)) return true;
        }

        return false;
    }

    private static bool TokenMatches(GrammarElement element, int token) => element.Kind switch
    {
        GrammarElementKind.Token => element.Value == token,
        GrammarElementKind.NotToken => element.Value != token,
        _ => false,
    };

    /// <summary>
    /// Adds to what is found every stack that the position leads to: follows rules into all their alternatives until terminals are on top.
    /// A rule at the end of its alternative leaves nothing to come back to, so right recursion does not make stacks grow.
    /// </summary>
    private void Expand(int element, int below)
    {
        _work.Push(new Node(element, below));
        while (_work.TryPop(out Node node))
        {
            GrammarElement top = _grammar.Elements[node.Element];
            if (top.Kind == GrammarElementKind.End)
            {
                if (node.Below == Empty) _found.Add(Empty);
                else _work.Push(_nodes[node.Below]);
                continue;
            }

            int number = Number(node);
            if (!_visited.Add(number)) continue;
            if (_visited.Count > MaximumPlaces) throw new GrammarException("grammar: too ambiguous, one character can be read in more than 100,000 ways");
            if (top.IsTerminal)
            {
                _found.Add(number);
                continue;
            }

            bool last = _grammar.Elements[node.Element + 1].Kind == GrammarElementKind.End;
            int returnTo = last ? node.Below : Number(new Node(node.Element + 1, node.Below));
            foreach (int alternative in _grammar.Alternatives(top.Value)) _work.Push(new Node(alternative, returnTo));
        }
    }

    private GrammarState? TakeFound()
    {
        _visited.Clear();
        if (_found.Count == 0) return null;
        var stacks = new StackSet([.. _found]);
        _found.Clear();
        if (_states.TryGetValue(stacks, out GrammarState? state)) return state;
        bool namesTokens = Array.Exists(stacks.Stacks, stack =>
            stack != Empty && _grammar.Elements[_nodes[stack].Element].Kind is GrammarElementKind.Token or GrammarElementKind.NotToken);
        return _states[stacks] = new GrammarState(stacks.Stacks, isComplete: stacks.Stacks[0] == Empty, namesTokens);
    }

    private int Number(Node node)
    {
        if (_nodeNumbers.TryGetValue(node, out int number)) return number;
        number = _nodes.Count;
        _nodes.Add(node);
        _nodeNumbers[node] = number;
        return number;
    }

    /// <summary>Takes over a state of another automaton, with only the nodes that it needs.</summary>
    private GrammarState Copy(GrammarAutomaton from, GrammarState state)
    {
        Dictionary<int, int> copies = new() { [Empty] = Empty };
        foreach (int stack in state.Stacks)
        {
            var chain = new Stack<int>();
            for (int node = stack; !copies.ContainsKey(node); node = from._nodes[node].Below) chain.Push(node);
            while (chain.TryPop(out int node)) copies[node] = Number(new Node(from._nodes[node].Element, copies[from._nodes[node].Below]));
            _found.Add(copies[stack]);
        }

        return TakeFound()!;
    }

    /// <summary>A place in the grammar and the node of the stack below it.</summary>
    private readonly record struct Node(int Element, int Below);

    /// <summary>Sorted stacks, compared by content.</summary>
    private readonly struct StackSet(int[] stacks) : IEquatable<StackSet>
    {
        public int[] Stacks { get; } = stacks;

        public bool Equals(StackSet other) => Stacks.AsSpan().SequenceEqual(other.Stacks);

        public override bool Equals(object? other) => other is StackSet set && Equals(set);

        public override int GetHashCode()
        {
            var hash = new HashCode();
            foreach (int stack in Stacks) hash.Add(stack);
            return hash.ToHashCode();
        }
    }
}
