namespace TinyMllm.Engine.Sampling.Stages;

/// <summary>
/// Adaptive-p: favours tokens whose probability is near a target, and moves that target against the running average of what was
/// chosen. With d = |p - a| / 0.3 the logit becomes 5 - 10 d² / (1 + d). A negative target makes it a plain draw.
/// </summary>
internal sealed class AdaptiveP : SamplerStage
{
    private const float Width = 0.3f, Peak = 5, Sharpness = 10;
    private readonly float _target, _decay;
    private readonly uint _seed;
    private readonly MersenneTwister _random;
    private float _weightedSum, _totalWeight, _pendingProbability;
    private int _pendingToken;

    public AdaptiveP(float target, float decay, uint seed)
    {
        (_target, _decay, _seed) = (target, decay, seed);
        _random = new MersenneTwister(seed);
        Reset();
    }

    public override void Apply(Candidates candidates)
    {
        candidates.Softmax();
        if (_target < 0)
        {
            candidates.Selected = _random.NextIndex(candidates.Probabilities);
            return;
        }

        float aim = Math.Clamp(_totalWeight == 0 ? _target : 2 * _target - _weightedSum / _totalWeight, 0, 1);
        Span<float> logits = candidates.Logits;
        Span<ulong> originals = candidates.KeyScratch;
        for (int i = 0; i < logits.Length; i++)
        {
            float p = candidates.Probabilities[i];
            originals[i] = BitConverter.SingleToUInt32Bits(p);
            if (float.IsNegativeInfinity(logits[i])) continue;
            float d = MathF.Abs(p - aim) / Width;
            logits[i] = Peak - Sharpness * d * d / (1 + d);
        }

        candidates.LogitsChanged();
        candidates.Softmax();
        int selected = candidates.Selected = _random.NextIndex(candidates.Probabilities);
        _pendingToken = candidates.Ids[selected];
        _pendingProbability = BitConverter.UInt32BitsToSingle((uint)originals[selected]);
    }

    public override void Accept(int token)
    {
        if (token != _pendingToken) return;
        _weightedSum = _pendingProbability + _decay * _weightedSum;
        _totalWeight = 1 + _decay * _totalWeight;
        _pendingToken = -1;
    }

    public override void Reset()
    {
        _random.Seed(_seed);
        _pendingToken = -1;
        _totalWeight = _target >= 0 ? 1 / (1 - _decay) : 0;
        _weightedSum = _target >= 0 ? _target / (1 - _decay) : 0;
    }
}
