using System.Runtime.Intrinsics;

namespace TinyMllm.Engine.Sampling;

/// <summary>
/// The tokens still in the running for one position: ids, logits and (after <see cref="Softmax"/>) probabilities side by side.
/// All memory is taken once; equal logits stay in id order, so every result is reproducible.
/// </summary>
internal sealed class Candidates
{
    private readonly int[] _ids;
    private readonly float[] _logits;
    private readonly float[] _probabilities;
    private readonly ulong[] _keys;
    private int _movedIds;

    public Candidates(int vocabularySize)
    {
        VocabularySize = vocabularySize;
        _ids = new int[vocabularySize];
        _logits = new float[vocabularySize];
        _probabilities = new float[vocabularySize];
        _keys = new ulong[vocabularySize];
        _movedIds = vocabularySize;
    }

    /// <summary>Number of tokens of the model.</summary>
    public int VocabularySize { get; }

    /// <summary>How many candidates are left.</summary>
    public int Count { get; private set; }

    /// <summary>Token ids.</summary>
    public Span<int> Ids => _ids.AsSpan(0, Count);

    /// <summary>Logits, as changed so far. Whoever changes them calls <see cref="LogitsChanged"/> unless the order stays.</summary>
    public Span<float> Logits => _logits.AsSpan(0, Count);

    /// <summary>Probabilities of the last <see cref="Softmax"/>.</summary>
    public Span<float> Probabilities => _probabilities.AsSpan(0, Count);

    /// <summary>True when the logits descend.</summary>
    public bool Sorted { get; private set; }

    /// <summary>True as long as candidate i is token i.</summary>
    public bool InIdOrder { get; private set; }

    /// <summary>Index of the chosen candidate, -1 before the choice.</summary>
    public int Selected { get; set; }

    /// <summary>Starts a position: all tokens, in id order. NaN counts as impossible, infinity as the largest number.</summary>
    public void Load(ReadOnlySpan<float> logits)
    {
        if (logits.Length != VocabularySize)
            throw new ArgumentException($"{logits.Length} logits given, the vocabulary has {VocabularySize} tokens", nameof(logits));
        Count = logits.Length;
        for (int i = 0; i < _movedIds; i++) _ids[i] = i;
        _movedIds = 0;
        int done = 0;
        for (; done <= logits.Length - Vector256<float>.Count; done += Vector256<float>.Count)
        {
            var v = Vector256.Create(logits.Slice(done, Vector256<float>.Count));
            v = Vector256.ConditionalSelect(Vector256.Equals(v, v), v, Vector256.Create(float.NegativeInfinity));
            Vector256.Min(v, Vector256.Create(float.MaxValue)).CopyTo(_logits.AsSpan(done));
        }

        for (; done < logits.Length; done++) _logits[done] = float.IsNaN(logits[done]) ? float.NegativeInfinity : Math.Min(logits[done], float.MaxValue);
        Sorted = false;
        InIdOrder = true;
        Selected = -1;
    }

    /// <summary>Says that logits were changed in a way that may have broken their order.</summary>
    public void LogitsChanged() => Sorted = false;

    /// <summary>Keeps the first <paramref name="count"/> candidates.</summary>
    public void Truncate(int count) => Count = count;

    /// <summary>Drops the first <paramref name="count"/> candidates.</summary>
    public void RemoveFirst(int count)
    {
        if (count == 0) return;
        _ids.AsSpan(count, Count - count).CopyTo(_ids);
        _logits.AsSpan(count, Count - count).CopyTo(_logits);
        _probabilities.AsSpan(count, Count - count).CopyTo(_probabilities);
        Count -= count;
        IdsMoved();
    }

    /// <summary>Keeps candidates whose logit is at least <paramref name="threshold"/>, in their order.</summary>
    public void KeepAtLeast(float threshold)
    {
        int kept = 0;
        for (int i = 0; i < Count; i++)
        {
            if (!(_logits[i] >= threshold)) continue;
            _ids[kept] = _ids[i];
            _logits[kept++] = _logits[i];
        }

        bool dropped = kept < Count;
        Count = kept;
        if (dropped) IdsMoved();
    }

    /// <summary>Scratch of one key per candidate, for stages that order by something else than the logit: that above the index.</summary>
    public Span<ulong> KeyScratch => _keys.AsSpan(0, Count);

    /// <summary>Keeps the candidates whose indices are in the low halves of the first <paramref name="count"/> scratch keys, in that order.</summary>
    public void KeepKeyScratch(int count)
    {
        for (int i = 0; i < count; i++)
        {
            uint index = (uint)_keys[i];
            _keys[i] = TopSelection.Key(_logits[index], _ids[index]);
        }

        TakeKeys(count);
        Sorted = false;
    }

    /// <summary>Sorts by descending logit, lower id first among equals.</summary>
    public void Sort()
    {
        if (Sorted) return;
        for (int i = 0; i < Count; i++) _keys[i] = TopSelection.Key(_logits[i], _ids[i]);
        _keys.AsSpan(0, Count).Sort();
        TakeKeys(Count);
    }

    /// <summary>Keeps the <paramref name="count"/> best, sorted.</summary>
    public void KeepBest(int count)
    {
        count = Math.Min(count, Count);
        if (!Sorted) TakeKeys(SelectBest(count));
        Count = count;
    }

    /// <summary>Finds the best candidates without changing anything yet; <see cref="BestLogit"/> reads them, <see cref="TakeBest"/> keeps them.</summary>
    public int SelectBest(int count) => TopSelection.Largest(Logits, Ids, _keys.AsSpan(0, Math.Min(count, Count)));

    /// <summary>Logit of the i-th best after <see cref="SelectBest"/>.</summary>
    public float BestLogit(int index) => TopSelection.LogitOf(_keys[index]);

    /// <summary>Keeps the first <paramref name="count"/> of the last <see cref="SelectBest"/>, sorted.</summary>
    public void TakeBest(int count) => TakeKeys(count);

    /// <summary>Largest logit and where it is; the first of equals. Index -1 when there is no candidate.</summary>
    public int ArgMax() => Sorted && Count > 0 ? 0 : TopSelection.ArgMax(Logits, Ids, InIdOrder);

    /// <summary>Largest logit.</summary>
    public float MaxLogit() => Count == 0 ? float.NegativeInfinity : _logits[ArgMax()];

    /// <summary>Probabilities from the logits: exp(l - max) in single precision over their sum in array order.</summary>
    public void Softmax()
    {
        float sum = 0;
        Exponentials();
        foreach (float p in Probabilities) sum += p;
        foreach (ref float p in Probabilities) p /= sum;
    }

    /// <summary>Writes exp(l - max) to the probabilities, not yet normalised; all equal when every logit is impossible.</summary>
    public void Exponentials()
    {
        float max = MaxLogit();
        Span<float> logits = Logits, p = Probabilities;
        if (float.IsNegativeInfinity(max))
        {
            p.Fill(1);
            return;
        }

        int done = 0;
        if (Count >= 64)
        {
            for (; done <= logits.Length - Vector256<float>.Count; done += Vector256<float>.Count)
                Vector256.Exp(Vector256.Create<float>(logits.Slice(done, Vector256<float>.Count)) - Vector256.Create(max)).CopyTo(p[done..]);
        }

        for (; done < logits.Length; done++) p[done] = MathF.Exp(logits[done] - max);
    }

    private void TakeKeys(int count)
    {
        for (int i = 0; i < count; i++)
        {
            _ids[i] = TopSelection.IdOf(_keys[i]);
            _logits[i] = TopSelection.LogitOf(_keys[i]);
        }

        Count = count;
        Sorted = true;
        IdsMoved();
    }

    /// <summary>Candidate i is no longer token i. Remembers how much of the ids <see cref="Load"/> must put back: mostly a few dozen.</summary>
    private void IdsMoved()
    {
        InIdOrder = false;
        _movedIds = Math.Max(_movedIds, Count);
    }
}
