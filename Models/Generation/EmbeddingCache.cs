using TinyMllm.Diagnostics;
using TinyMllm.Loaders.Images;

namespace TinyMllm.Generation;

/// <summary>
/// Embeddings of pictures seen lately, by content, shared by all sessions of a model: asking three questions about a picture encodes it
/// once.
/// The least recently used ones go when there are more bytes than allowed. Safe for many threads; two that want the same picture encode it
/// once.
/// </summary>
internal sealed class EmbeddingCache
{
    private readonly long _capacity;
    private readonly Lock _gate = new();
    private readonly Dictionary<(PictureKey Picture, int Index), LinkedListNode<Entry>> _entries = [];
    private readonly LinkedList<Entry> _byUse = new();
    private long _bytes;

    /// <param name="capacity">Bytes to keep; 0 keeps nothing.</param>
    public EmbeddingCache(long capacity) => _capacity = capacity;

    /// <summary>The embeddings of one tile, encoded now if they are not here.</summary>
    /// <param name="picture">Content of the picture.</param>
    /// <param name="index">Which of its tiles.</param>
    /// <param name="encode">Makes the rows.</param>
    /// <param name="encoded">Whether it had to be made.</param>
    public float[] GetOrEncode(PictureKey picture, int index, Func<float[]> encode, out bool encoded)
    {
        Entry entry = Take((picture, index));
        lock (entry)
        {
            encoded = entry.Rows is null;
            Telemetry.LookedUp(hit: !encoded);
            if (entry.Rows is { } ready) return ready;
            try
            {
                entry.Rows = Telemetry.Encoding(encode);
            }
            catch
            {
                Forget(entry);
                throw;
            }
        }

        Account(entry);
        return entry.Rows;
    }

    /// <summary>Forgets everything.</summary>
    public void Clear()
    {
        lock (_gate)
        {
            _entries.Clear();
            _byUse.Clear();
            _bytes = 0;
        }
    }

    private Entry Take((PictureKey, int) key)
    {
        lock (_gate)
        {
            if (_entries.TryGetValue(key, out LinkedListNode<Entry>? node)) _byUse.Remove(node);
            else _entries[key] = node = new LinkedListNode<Entry>(new Entry(key));
            _byUse.AddFirst(node);
            return node.Value;
        }
    }

    private void Account(Entry entry)
    {
        lock (_gate)
        {
            if (!_entries.TryGetValue(entry.Key, out LinkedListNode<Entry>? node) || node.Value != entry) return;
            _bytes += entry.Bytes;
            while (_bytes > _capacity && _byUse.Last is { } oldest)
            {
                if (oldest.Value.Rows is null) break; // Being made by another thread: it accounts for itself.
                _byUse.RemoveLast();
                _entries.Remove(oldest.Value.Key);
                _bytes -= oldest.Value.Bytes;
            }
        }
    }

    private void Forget(Entry entry)
    {
        lock (_gate)
        {
            if (!_entries.TryGetValue(entry.Key, out LinkedListNode<Entry>? node) || node.Value != entry) return;
            _entries.Remove(entry.Key);
            _byUse.Remove(node);
        }
    }

    /// <summary>The embeddings of a tile. The picture's first one keeps the picture, so that pixels can be compared.</summary>
    private sealed class Entry((PictureKey Picture, int Index) key)
    {
        private readonly RgbImage? _picture = key.Index == 0 ? key.Picture.Picture : null;

        public (PictureKey, int) Key { get; } = key;

        public volatile float[]? Rows;

        public long Bytes => ((long)(Rows?.Length ?? 0) * sizeof(float)) + (_picture?.Pixels.Length ?? 0);
    }
}
