namespace TinyMllm.Loaders.Text.Tokenizers.Segmenters;

/// <summary>
/// Pairs of neighbouring symbols waiting to be merged, smallest priority first and leftmost first among equals: a binary heap of
/// <c>priority &lt;&lt; 32 | position</c>. Entries that have become stale stay; the user recognises them when they come up.
/// </summary>
/// <param name="storage">Room for every entry ever pushed: three per symbol is enough (its own, and two per merge).</param>
internal ref struct MergeHeap(Span<ulong> storage)
{
    private readonly Span<ulong> _entries = storage;

    public int Count { get; private set; }

    public void Push(uint priority, int position)
    {
        ulong entry = ((ulong)priority << 32) | (uint)position;
        int at = Count++;
        while (at > 0)
        {
            int parent = (at - 1) / 2;
            if (_entries[parent] <= entry) break;
            _entries[at] = _entries[parent];
            at = parent;
        }

        _entries[at] = entry;
    }

    public void Pop(out uint priority, out int position)
    {
        ulong top = _entries[0];
        ulong last = _entries[--Count];
        int at = 0;
        while (true)
        {
            int child = (2 * at) + 1;
            if (child >= Count) break;
            if (child + 1 < Count && _entries[child + 1] < _entries[child]) child++;
            if (last <= _entries[child]) break;
            _entries[at] = _entries[child];
            at = child;
        }

        _entries[at] = last;
        priority = (uint)(top >> 32);
        position = (int)(uint)top;
    }
}
