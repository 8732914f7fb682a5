namespace TinyMllm.Loaders.Text.Grammars;

/// <summary>What a grammar must fulfil before it can be matched.</summary>
internal static class GrammarChecks
{
    /// <summary>Every rule that is named is defined, there is a root, and no rule can begin with itself.</summary>
    /// <exception cref="GrammarException">One of these does not hold.</exception>
    public static void Check(GrammarRules rules, int root)
    {
        for (int rule = 0; rule < rules.Count; rule++)
        {
            if (rules.Alternatives(rule) is not null) continue;
            throw new GrammarException(rule == root ? "grammar: there is no rule 'root'" : $"grammar: rule '{rules.Name(rule)}' is not defined");
        }

        if (FindLeftRecursion(rules, Nullable(rules)) is { } name)
            throw new GrammarException($"grammar: rule '{name}' is left-recursive: it can begin with itself, so matching would never end");
    }

    /// <summary>Which rules can match nothing at all.</summary>
    private static bool[] Nullable(GrammarRules rules)
    {
        bool[] nullable = new bool[rules.Count];
        for (bool changed = true; changed;)
        {
            changed = false;

            // Generated rules come after the ones they serve but refer to later ones: backwards settles most in one round.
            for (int rule = rules.Count - 1; rule >= 0; rule--)
            {
                if (nullable[rule]) continue;
                nullable[rule] = rules.Alternatives(rule)!.Exists(alternative =>
                    Array.TrueForAll(alternative, element => element.Kind == GrammarElementKind.Rule && nullable[element.Value]));
                changed |= nullable[rule];
            }
        }

        return nullable;
    }

    /// <summary>Depth-first search without recursion over "can begin with"; a rule met while it is still open can begin with itself.</summary>
    private static string? FindLeftRecursion(GrammarRules rules, bool[] nullable)
    {
        const byte Open = 1, Done = 2;
        byte[] mark = new byte[rules.Count];
        var path = new Stack<(int Rule, int[] Firsts, int Next)>();
        for (int start = 0; start < rules.Count; start++)
        {
            if (mark[start] != 0) continue;
            mark[start] = Open;
            path.Push((start, Firsts(rules, nullable, start), 0));
            while (path.TryPop(out var top))
            {
                if (top.Next == top.Firsts.Length)
                {
                    mark[top.Rule] = Done;
                    continue;
                }

                path.Push(top with { Next = top.Next + 1 });
                int first = top.Firsts[top.Next];
                if (mark[first] == Open) return rules.Name(first);
                if (mark[first] != 0) continue;
                mark[first] = Open;
                path.Push((first, Firsts(rules, nullable, first), 0));
            }
        }

        return null;
    }

    private static int[] Firsts(GrammarRules rules, bool[] nullable, int rule)
    {
        HashSet<int> firsts = [];
        foreach (GrammarElement[] alternative in rules.Alternatives(rule)!)
        {
            foreach (GrammarElement element in alternative)
            {
                if (element.Kind != GrammarElementKind.Rule) break;
                firsts.Add(element.Value);
                if (!nullable[element.Value]) break;
            }
        }

        return [.. firsts];
    }
}

/// <summary>A grammar or JSON schema cannot be used; the message says where and why.</summary>
public sealed class GrammarException(string message) : TinyMllmException(TinyMllmErrorKind.InvalidGrammar, message);
