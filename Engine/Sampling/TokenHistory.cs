namespace TinyMllm.Engine.Sampling;

/// <summary>The last tokens of a text, up to a capacity.</summary>
internal sealed class TokenHistory(int capacity)
{
    private readonly int[] _ring = new int[capacity];
    private int _next;

    /// <summary>Number of tokens held, at most the capacity.</summary>
    public int Count { get; private set; }

    /// <summary>The token <paramref name="back"/> places before the end; 0 is the newest.</summary>
    public int FromEnd(int back)
    {
        int index = _next - 1 - back;
        return _ring[index < 0 ? index + _ring.Length : index];
    }

    /// <summary>Appends a token. True, with the token that fell out, when the capacity was full.</summary>
    public bool Push(int token, out int dropped)
    {
        bool full = Count == _ring.Length;
        dropped = full ? _ring[_next] : -1;
        _ring[_next] = token;
        if (++_next == _ring.Length) _next = 0;
        if (!full) Count++;
        return full;
    }

    /// <summary>Forgets all tokens.</summary>
    public void Clear() => Count = _next = 0;
}
