using System.Runtime.Intrinsics;

namespace TinyMllm.Engine.Sampling;

/// <summary>
/// The largest of many logits without sorting them all. A (logit, id) pair becomes one 64-bit key, inverted order of the logit above the id,
/// so that ascending keys mean descending logits and, among equals, ascending ids.
/// </summary>
internal static class TopSelection
{
    /// <summary>Key of a pair; -0 counts as 0.</summary>
    public static ulong Key(float logit, int id)
    {
        uint bits = BitConverter.SingleToUInt32Bits(logit + 0f);
        uint ascending = (bits & 0x80000000u) != 0 ? ~bits : bits | 0x80000000u;
        return ((ulong)~ascending << 32) | (uint)id;
    }

    /// <summary>The id of a key.</summary>
    public static int IdOf(ulong key) => (int)(uint)key;

    /// <summary>The logit of a key.</summary>
    public static float LogitOf(ulong key)
    {
        uint ascending = ~(uint)(key >> 32);
        return BitConverter.UInt32BitsToSingle((ascending & 0x80000000u) != 0 ? ascending ^ 0x80000000u : ~ascending);
    }

    /// <summary>
    /// Fills <paramref name="best"/> with the keys of the largest logits, best first; returns its length. A max-heap of keys holds the
    /// best so far; groups of eight logits that all lie below the worst of them, nearly all groups, cost one comparison.
    /// </summary>
    public static int Largest(ReadOnlySpan<float> logits, ReadOnlySpan<int> ids, Span<ulong> best)
    {
        bool inIdOrder = ids.IsEmpty;
        int k = best.Length;
        if (k == 0) return 0;
        for (int i = 0; i < k; i++) best[i] = Key(logits[i], inIdOrder ? i : ids[i]);
        for (int i = k / 2 - 1; i >= 0; i--) SiftDown(best, i);

        int done = k;
        float worst = LogitOf(best[0]);
        for (; done <= logits.Length - Vector256<float>.Count; done += Vector256<float>.Count)
        {
            var group = Vector256.Create(logits.Slice(done, Vector256<float>.Count));
            if (!Vector256.GreaterThanOrEqualAny(group, Vector256.Create(worst))) continue;
            for (int i = done; i < done + Vector256<float>.Count; i++) Offer(best, Key(logits[i], inIdOrder ? i : ids[i]));
            worst = LogitOf(best[0]);
        }

        for (; done < logits.Length; done++) Offer(best, Key(logits[done], inIdOrder ? done : ids[done]));
        best.Sort();
        return k;
    }

    /// <summary>The same where logit i belongs to token i.</summary>
    public static int Largest(ReadOnlySpan<float> logits, Span<ulong> best) => Largest(logits, [], best);

    /// <summary>Index of the largest logit; among equals the lowest id. -1 for no logits.</summary>
    public static int ArgMax(ReadOnlySpan<float> logits, ReadOnlySpan<int> ids, bool idsAscend)
    {
        if (logits.IsEmpty) return -1;
        float max = Max(logits);
        int first = logits.IndexOf(max);
        if (first < 0) return 0;
        if (idsAscend) return first;
        for (int i = first + 1; i < logits.Length; i++)
        {
            if (logits[i] == max && ids[i] < ids[first]) first = i;
        }

        return first;
    }

    /// <summary>
    /// Largest value of a span, negative infinity when it is empty. A NaN is passed over or gives NaN, as the machine's own maximum has it,
    /// but never hides a larger value. Four running maxima, because each has to wait for its last one.
    /// </summary>
    public static float Max(ReadOnlySpan<float> values)
    {
        int width = Vector256<float>.Count, done = 0;
        Vector256<float> a = Vector256.Create(float.NegativeInfinity), b = a, c = a, d = a;
        for (; done <= values.Length - 4 * width; done += 4 * width)
        {
            a = Vector256.MaxNative(Vector256.Create(values.Slice(done, width)), a);
            b = Vector256.MaxNative(Vector256.Create(values.Slice(done + width, width)), b);
            c = Vector256.MaxNative(Vector256.Create(values.Slice(done + 2 * width, width)), c);
            d = Vector256.MaxNative(Vector256.Create(values.Slice(done + 3 * width, width)), d);
        }

        a = Vector256.Max(Vector256.Max(a, b), Vector256.Max(c, d));
        float max = float.NegativeInfinity;
        for (int i = 0; i < width; i++) max = MathF.Max(max, a[i]);
        for (; done < values.Length; done++) max = MathF.Max(max, values[done]);
        return max;
    }

    private static void Offer(Span<ulong> heap, ulong key)
    {
        if (key >= heap[0]) return;
        heap[0] = key;
        SiftDown(heap, 0);
    }

    /// <summary>Restores the heap (largest key, the worst candidate, on top) below <paramref name="root"/>.</summary>
    private static void SiftDown(Span<ulong> heap, int root)
    {
        ulong key = heap[root];
        for (int child = 2 * root + 1; child < heap.Length; child = 2 * root + 1)
        {
            if (child + 1 < heap.Length && heap[child + 1] > heap[child]) child++;
            if (heap[child] <= key) break;
            heap[root] = heap[child];
            root = child;
        }

        heap[root] = key;
    }
}
