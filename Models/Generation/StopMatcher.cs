using System.Text;

namespace TinyMllm.Generation;

/// <summary>
/// Lets text through until a stop string appears. What could be the beginning of a stop string is held back until it is known not to be,
/// so that not even a part of one is ever shown.
/// </summary>
internal sealed class StopMatcher
{
    private readonly string[] _stops;
    private readonly StringBuilder _held = new();

    public StopMatcher(IEnumerable<string> stops) => _stops = [.. stops.Where(stop => stop.Length > 0)];

    /// <summary>The stop string that appeared, or null.</summary>
    public string? Matched { get; private set; }

    /// <summary>Takes the next piece of text and returns what may be shown now.</summary>
    public string Push(string piece)
    {
        if (_stops.Length == 0) return piece;
        if (Matched is not null) return "";
        _held.Append(piece);
        string text = _held.ToString();

        int end = -1;
        foreach (string stop in _stops)
        {
            int at = text.IndexOf(stop, StringComparison.Ordinal);
            if (at >= 0 && (end < 0 || at < end)) (end, Matched) = (at, stop);
        }

        int show = end >= 0 ? end : text.Length - LongestBeginning(text);
        _held.Remove(0, show);
        return text[..show];
    }

    /// <summary>At the end of the answer: what was held back and is no stop string after all.</summary>
    public string Flush()
    {
        if (Matched is not null) return "";
        string rest = _held.ToString();
        _held.Clear();
        return rest;
    }

    /// <summary>Length of the longest end of the text with which a stop string begins.</summary>
    private int LongestBeginning(string text)
    {
        int longest = 0;
        foreach (string stop in _stops)
        {
            for (int length = Math.Min(stop.Length - 1, text.Length); length > longest; length--)
            {
                if (text.AsSpan(text.Length - length).SequenceEqual(stop.AsSpan(0, length))) longest = length;
            }
        }

        return longest;
    }
}
