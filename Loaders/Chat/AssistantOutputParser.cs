using System.Text;

namespace TinyMllm.Loaders.Chat;

/// <summary>
/// Takes an answer apart as it is generated: <c>&lt;think&gt;…&lt;/think&gt;</c> is reasoning; tool calls are read in the forms of Hermes and Qwen
/// (<c>&lt;tool_call&gt;{…}&lt;/tool_call&gt;</c>), Mistral (<c>[TOOL_CALLS][…]</c> or <c>[TOOL_CALLS]name{…}</c>), granite (<c>&lt;|tool_call|&gt;[…]</c>),
/// llama 3 (<c>&lt;|python_tag|&gt;{…}</c>, or an answer that is nothing but <c>{"name": …}</c>). What looks like a call but cannot be read stays text.
/// </summary>
/// <param name="expectTools">True when tools were offered; otherwise only reasoning is split off.</param>
/// <param name="startsThinking">True when the prompt already ends with <c>&lt;think&gt;</c>.</param>
public sealed class AssistantOutputParser(bool expectTools = true, bool startsThinking = false)
{
    private const string ThinkOpen = "<think>", ThinkClose = "</think>", CallOpen = "<tool_call>", CallClose = "</tool_call>", Mistral = "[TOOL_CALLS]";

    /// <summary>After these, all that follows is calls.</summary>
    private static readonly string[] CallsToTheEnd = [Mistral, "<|tool_call|>", "<|python_tag|>"];

    private readonly StringBuilder _pending = new();
    private State _state = startsThinking ? State.Thinking : State.Start;
    private string _opener = "";
    private int _calls;
    private bool _trimNext;

    private enum State
    {
        /// <summary>Nothing but white space so far: thinking or a bare JSON call may begin.</summary>
        Start,
        Thinking,
        Text,

        /// <summary>Between the tags of a call.</summary>
        Call,

        /// <summary>In calls that reach to the end.</summary>
        Calls,

        /// <summary>The answer began with a brace: text, or a call in bare JSON, as its end will tell.</summary>
        BareJson,
    }

    /// <summary>Takes the next piece of the answer; gives what is certain by now.</summary>
    public IReadOnlyList<AssistantSegment> Append(string piece)
    {
        ArgumentNullException.ThrowIfNull(piece);
        List<AssistantSegment> segments = [];
        _pending.Append(piece);
        while (Step(segments, ended: false))
        {
        }

        return segments;
    }

    /// <summary>Says that the answer has ended; gives the rest.</summary>
    public IReadOnlyList<AssistantSegment> Finish()
    {
        List<AssistantSegment> segments = [];
        while (Step(segments, ended: true))
        {
        }

        string rest = _pending.ToString();
        _pending.Clear();
        switch (_state)
        {
            case State.Call or State.Calls or State.BareJson:
                AddCalls(segments, rest, _opener, "");
                break;
            default:
                Add(segments, _state == State.Thinking ? AssistantSegmentKind.Reasoning : AssistantSegmentKind.Text, rest);
                break;
        }

        return segments;
    }

    /// <summary>Takes a whole answer apart.</summary>
    public static AssistantOutput Parse(string answer, bool expectTools = true, bool startsThinking = false)
    {
        var parser = new AssistantOutputParser(expectTools, startsThinking);
        List<AssistantSegment> segments = [.. parser.Append(answer), .. parser.Finish()];
        string Of(AssistantSegmentKind kind) => string.Concat(segments.Where(segment => segment.Kind == kind).Select(segment => segment.Text));
        return new AssistantOutput(Of(AssistantSegmentKind.Text).Trim(), Of(AssistantSegmentKind.Reasoning).Trim(),
            [.. segments.Where(segment => segment.ToolCall is not null).Select(segment => segment.ToolCall!)]);
    }

    /// <summary>Goes one state further if the pending text allows it.</summary>
    private bool Step(List<AssistantSegment> segments, bool ended) => _state switch
    {
        State.Start => StepFromStart(ended),
        State.Thinking => StepTo(segments, [ThinkClose], AssistantSegmentKind.Reasoning),
        State.Text => StepTo(segments, expectTools ? [ThinkOpen, CallOpen, .. CallsToTheEnd] : [ThinkOpen], AssistantSegmentKind.Text),
        State.Call => StepThroughCall(segments),
        _ => false,
    };

    private bool StepFromStart(bool ended)
    {
        string text = _pending.ToString();
        string start = text.TrimStart();
        if (start.Length == 0) return false;
        if (expectTools && start[0] == '{') _state = State.BareJson;
        else if (!ended && start.Length < ThinkOpen.Length && ThinkOpen.StartsWith(start, StringComparison.Ordinal)) return false;
        else _state = State.Text;
        if (_state == State.Text && start.StartsWith(ThinkOpen, StringComparison.Ordinal)) _pending.Remove(0, text.Length - start.Length);
        return true;
    }

    /// <summary>Hands out text up to the first of the markers, and changes state there; keeps back what may be a marker's beginning.</summary>
    private bool StepTo(List<AssistantSegment> segments, ReadOnlySpan<string> markers, AssistantSegmentKind kind)
    {
        string text = _pending.ToString();
        int at = -1;
        string found = "";
        foreach (string marker in markers)
        {
            int place = text.IndexOf(marker, StringComparison.Ordinal);
            if (place >= 0 && (at < 0 || place < at)) (at, found) = (place, marker);
        }

        if (at < 0)
        {
            int safe = text.Length - HeldBack(text, markers);
            Add(segments, kind, text[..safe]);
            _pending.Remove(0, safe);
            return false;
        }

        Add(segments, kind, text[..at]);
        _pending.Remove(0, at + found.Length);
        _opener = found;
        _trimNext = found is ThinkOpen or ThinkClose;
        _state = found switch
        {
            ThinkOpen => State.Thinking,
            ThinkClose => State.Text,
            CallOpen => State.Call,
            _ => State.Calls,
        };
        return true;
    }

    private bool StepThroughCall(List<AssistantSegment> segments)
    {
        string text = _pending.ToString();
        int end = text.IndexOf(CallClose, StringComparison.Ordinal);
        if (end < 0) return false;
        _pending.Remove(0, end + CallClose.Length);
        AddCalls(segments, text[..end], CallOpen, CallClose);
        _state = State.Text;
        _trimNext = true;
        return true;
    }

    private void AddCalls(List<AssistantSegment> segments, string body, string opener, string closer)
    {
        List<ChatToolCall> calls = [];
        if (ToolCallJson.TryRead(body, calls) || (opener == Mistral && TryReadNamed(body, calls)))
        {
            foreach (ChatToolCall call in calls)
            {
                // Ids join a call and its result; models that write none get them in order, in the nine characters that Mistral demands.
                string id = call.Id.Length > 0 ? call.Id : $"call{_calls:00000}";
                _calls++;
                segments.Add(new AssistantSegment(AssistantSegmentKind.ToolCall, "", call with { Id = id }));
            }
        }
        else
        {
            Add(segments, AssistantSegmentKind.Text, opener + body + closer);
        }
    }

    /// <summary>Mistral's newer form: <c>name{…}</c>, several joined by the marker; an <c>[ARGS]</c> may stand between.</summary>
    private static bool TryReadNamed(string body, List<ChatToolCall> calls)
    {
        foreach (string part in body.Split(Mistral))
        {
            int brace = part.IndexOf('{');
            if (brace <= 0) return false;
            string name = part[..brace].Replace("[ARGS]", "", StringComparison.Ordinal).Trim();
            if (name.Length == 0 || name.Contains('"')) return false;
            List<ChatToolCall> one = [];
            if (!ToolCallJson.TryRead($$"""{"name": "{{name}}", "arguments": {{part[brace..]}}}""", one)) return false;
            calls.AddRange(one);
        }

        return calls.Count > 0;
    }

    /// <summary>Length of the longest end of the text that is a beginning of a marker.</summary>
    private static int HeldBack(string text, ReadOnlySpan<string> markers)
    {
        int longest = 0;
        foreach (string marker in markers)
        {
            for (int length = Math.Min(marker.Length - 1, text.Length); length > longest; length--)
            {
                if (!text.AsSpan().EndsWith(marker.AsSpan(0, length))) continue;
                longest = length;
                break;
            }
        }

        return longest;
    }

    private void Add(List<AssistantSegment> segments, AssistantSegmentKind kind, string text)
    {
        // Templates put line breaks around thinking and calls; they belong to neither side.
        if (_trimNext) text = text.TrimStart('\n');
        if (text.Length == 0) return;
        _trimNext = false;
        segments.Add(new AssistantSegment(kind, text));
    }
}
