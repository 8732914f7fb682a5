namespace TinyMllm.Engine.Sampling.Stages;

/// <summary>
/// "Don't repeat yourself": a token that would prolong a run which already occurred loses multiplier · base^(n - allowed), where n is the length
/// of the longest repeated run that it would prolong. Runs do not reach across breakers.
/// </summary>
internal sealed class Dry : SamplerStage
{
    private readonly float _multiplier, _base;
    private readonly int _allowed, _maximumExponent;
    private readonly DryBreakers _breakers;
    private readonly TokenHistory _history;
    private readonly int[] _commonSuffix;
    private readonly int[] _longestRun;

    public Dry(int vocabularySize, int window, float multiplier, float growth, int allowed, DryBreakers breakers)
    {
        (_multiplier, _base, _allowed, _breakers) = (multiplier, growth, allowed, breakers);
        // Beyond this the power overflows a float.
        _maximumExponent = growth > 1.000001f ? (int)(88.7228391f / MathF.Log(growth)) : int.MaxValue;
        _history = new TokenHistory(window);
        _commonSuffix = new int[window];
        _longestRun = new int[vocabularySize];
    }

    public override void Apply(Candidates candidates)
    {
        int count = _history.Count;
        if (count <= _allowed) return;
        int limit = RunLimit();
        if (limit < _allowed) return;

        MeasureCommonSuffixes(limit);
        for (int back = 1; back < count; back++)
        {
            // The suffix also ends `back` tokens earlier; what followed it there is what would repeat now.
            if (_commonSuffix[back] < _allowed) continue;
            ref int longest = ref _longestRun[_history.FromEnd(back - 1)];
            longest = Math.Max(longest, Math.Max(_commonSuffix[back], 1));
        }

        Span<float> logits = candidates.Logits;
        ReadOnlySpan<int> ids = candidates.Ids;
        for (int i = 0; i < logits.Length; i++)
        {
            int run = _longestRun[ids[i]];
            if (run == 0 || _breakers.IsSingleToken(ids[i])) continue;
            int exponent = Math.Min(Math.Max(run - _allowed, 0), _maximumExponent);
            logits[i] -= _multiplier * MathF.Pow(_base, exponent);
        }

        for (int back = 0; back < count; back++) _longestRun[_history.FromEnd(back)] = 0;
        candidates.LogitsChanged();
    }

    public override void Accept(int token) => _history.Push(token, out _);

    public override void Reset() => _history.Clear();

    /// <summary>Number of tokens at the end that no breaker interrupts.</summary>
    private int RunLimit()
    {
        for (int back = 0; back < _history.Count; back++)
        {
            int tail = _breakers.LongestTail(_history, back);
            if (tail >= 0) return back - tail;
        }

        return _history.Count;
    }

    /// <summary>
    /// The Z algorithm (Gusfield 1997) on the reversed history: entry k is the length, up to <paramref name="limit"/>, of the longest common
    /// suffix of the history and the history without its last k tokens. Linear time.
    /// </summary>
    private void MeasureCommonSuffixes(int limit)
    {
        int count = _history.Count, left = 0, right = 0;
        for (int k = 1; k < count; k++)
        {
            int length = k < right ? Math.Min(_commonSuffix[k - left], right - k) : 0;
            if (k + length >= right)
            {
                while (k + length < count && _history.FromEnd(length) == _history.FromEnd(k + length)) length++;
                (left, right) = (k, k + length);
            }

            _commonSuffix[k] = length;
        }

        foreach (ref int length in _commonSuffix.AsSpan(0, count)) length = Math.Min(length, limit);
    }
}
