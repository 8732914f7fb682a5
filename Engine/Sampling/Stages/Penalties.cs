namespace TinyMllm.Engine.Sampling.Stages;

/// <summary>
/// Penalties on the tokens of the last <c>window</c> places. A token that occurs there c times: its logit is divided by the repetition penalty
/// (multiplied when it is not positive; Keskar et al. 2019), then c · frequency + presence is taken off.
/// </summary>
internal sealed class Penalties(int vocabularySize, int window, float repeat, float frequency, float presence) : SamplerStage
{
    private readonly TokenHistory _history = new(window);
    private readonly int[] _counts = new int[vocabularySize];

    public override void Apply(Candidates candidates)
    {
        Span<float> logits = candidates.Logits;
        ReadOnlySpan<int> ids = candidates.Ids;
        if (candidates.InIdOrder)
        {
            // Far fewer tokens in the window than in the vocabulary: visit each of them once, at its newest place.
            for (int back = 0; back < _history.Count; back++)
            {
                int token = _history.FromEnd(back);
                int count = _counts[token];
                if (count <= 0) continue;
                logits[token] = Penalise(logits[token], count);
                _counts[token] = -count;
            }

            for (int back = 0; back < _history.Count; back++)
            {
                ref int count = ref _counts[_history.FromEnd(back)];
                count = Math.Abs(count);
            }
        }
        else
        {
            for (int i = 0; i < logits.Length; i++)
            {
                int count = _counts[ids[i]];
                if (count > 0) logits[i] = Penalise(logits[i], count);
            }
        }

        candidates.LogitsChanged();
    }

    public override void Accept(int token)
    {
        if (_history.Push(token, out int dropped)) _counts[dropped]--;
        _counts[token]++;
    }

    public override void Reset()
    {
        _history.Clear();
        Array.Clear(_counts);
    }

    private float Penalise(float logit, int count)
    {
        logit = logit <= 0 ? logit * repeat : logit / repeat;
        return logit - (count * frequency + presence);
    }
}
