namespace TinyMllm.Cli.Support;

/// <summary>What one model said to a set of questions.</summary>
/// <param name="name">Name of the column: a weight type, say.</param>
internal sealed class EvalRun(string name)
{
    private readonly List<(EvalQuestion Question, string Answer)> _outcomes = [];

    public string Name => name;

    public IReadOnlyList<(EvalQuestion Question, string Answer)> Outcomes => _outcomes;

    public void Add(EvalQuestion question, string answer) => _outcomes.Add((question, answer));

    /// <summary>How many of the chosen questions there are.</summary>
    public int Count(Func<EvalQuestion, bool> chosen) => _outcomes.Count(outcome => chosen(outcome.Question));

    /// <summary>How many of them were answered rightly.</summary>
    public int Right(Func<EvalQuestion, bool> chosen) =>
        _outcomes.Count(outcome => chosen(outcome.Question) && outcome.Question.Accepts(outcome.Answer));

    /// <summary>The share of right answers, 0 to 1.</summary>
    public double Share(Func<EvalQuestion, bool>? chosen = null) => (double)Right(chosen ?? (_ => true)) / Math.Max(1, Count(chosen ?? (_ => true)));
}
