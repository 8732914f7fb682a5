using System.Text;
using TinyMllm.Loaders.Text.Chat.Thinking;
using TinyMllm.Loaders.Text.Chat.ToolForms;

namespace TinyMllm.Loaders.Text.Chat;

/// <summary>
/// Takes an answer apart as it is generated: text for the reader, what the model thought before (<c>&lt;think&gt;…&lt;/think&gt;</c> and
/// the like), and tool calls in the forms of all known families (<c>&lt;tool_call&gt;{…}&lt;/tool_call&gt;</c>, <c>[f(a="b")]</c>,
/// <c>&lt;function=f&gt;&lt;parameter=a&gt;…</c>, …), that of the model's template first. A call names a tool that was offered and can be
/// read; what only looks like one stays text. <see cref="ChatTemplate.CreateParser"/> makes one that knows the model's own forms.
/// </summary>
public sealed class AssistantOutputParser
{
    private readonly IReadOnlyList<ChatTool>? _tools;
    private readonly ThinkingForm _thinking;
    private readonly ToolForm? _own;
    private readonly AssistantMarker[] _textMarkers;
    private readonly AssistantMarker[] _thinkingMarkers;
    private readonly ToolForm[] _bare;
    private readonly StringBuilder _pending = new();
    private State _state;
    private AssistantMarker? _opened;
    private ToolForm? _form;
    private int _calls;
    private bool _trimNext;

    /// <summary>A parser for a model whose forms are not known: all forms are looked for.</summary>
    /// <param name="expectTools">True when tools were offered; otherwise only reasoning is split off.</param>
    /// <param name="startsThinking">True when the prompt already ends with <c>&lt;think&gt;</c>.</param>
    public AssistantOutputParser(bool expectTools = true, bool startsThinking = false)
        : this(expectTools ? null : [], null, ThinkingForm.Usual, thinksAnywhere: true, startsThinking)
    {
    }

    /// <param name="tools">The tools that were offered; none are expected if it is empty, any if it is null.</param>
    /// <param name="own">The form of the model's template; null if it has none.</param>
    /// <param name="thinking">How thoughts are marked.</param>
    /// <param name="thinksAnywhere">Whether thoughts may begin in the middle of an answer; otherwise only at its start.</param>
    /// <param name="startsThinking">Whether the prompt ended inside of thoughts.</param>
    internal AssistantOutputParser(
        IReadOnlyList<ChatTool>? tools, ToolForm? own, ThinkingForm thinking, bool thinksAnywhere, bool startsThinking)
    {
        (_tools, _own, _thinking) = (tools, own, thinking);
        bool expectsTools = tools is not { Count: 0 };
        IEnumerable<ToolForm> others = KnownToolForms.All.Where(form => form != own && !form.OnlyIfShown);
        ToolForm[] forms = !expectsTools ? [] : own is null ? [.. others] : [own, .. others];
        var markers = new List<AssistantMarker>();
        if (thinksAnywhere) markers.Add(new(AssistantMarkerKind.ThinkingOpener, thinking.Opener));
        if (thinking.AnswerOpener.Length > 0)
        {
            markers.Add(new(AssistantMarkerKind.Dropped, thinking.AnswerOpener));
            markers.Add(new(AssistantMarkerKind.Dropped, thinking.AnswerCloser));
        }

        foreach (string opener in forms.SelectMany(form => form.Openers).Where(opener => opener.Length > 0).Distinct())
            markers.Add(new(AssistantMarkerKind.CallOpener, opener, [.. forms.Where(form => form.Openers.Contains(opener))]));
        foreach (string beginning in forms.SelectMany(form => form.Beginnings).Distinct())
            markers.Add(new(AssistantMarkerKind.CallBeginning, beginning, [.. forms.Where(form => form.Beginnings.Contains(beginning))]));
        _textMarkers = [.. markers];
        _thinkingMarkers = [new(AssistantMarkerKind.ThinkingCloser, thinking.Closer)];
        _bare = [.. forms.Where(form => form.Openers.Contains(""))];
        _state = startsThinking ? State.Thinking : State.Start;
        _trimNext = startsThinking;
    }

    private enum State
    {
        /// <summary>Nothing but white space so far: thoughts or a bare call may begin.</summary>
        Start,
        Thinking,
        Text,

        /// <summary>Behind a marker with which calls begin.</summary>
        Call,

        /// <summary>Behind a call: another one, the closer, or text.</summary>
        AfterCall,
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

        Add(segments, _state == State.Thinking ? AssistantSegmentKind.Reasoning : AssistantSegmentKind.Text, Take(_pending.Length));
        return segments;
    }

    /// <summary>Takes a whole answer apart.</summary>
    public static AssistantOutput Parse(string answer, bool expectTools = true, bool startsThinking = false) =>
        new AssistantOutputParser(expectTools, startsThinking).ReadWhole(answer);

    /// <summary>Takes a whole answer apart.</summary>
    internal AssistantOutput ReadWhole(string answer)
    {
        List<AssistantSegment> segments = [.. Append(answer), .. Finish()];
        string Of(AssistantSegmentKind kind) => string.Concat(segments.Where(segment => segment.Kind == kind).Select(segment => segment.Text));
        return new AssistantOutput(Of(AssistantSegmentKind.Text).Trim(), Of(AssistantSegmentKind.Reasoning).Trim(),
            [.. segments.Where(segment => segment.ToolCall is not null).Select(segment => segment.ToolCall!)]);
    }

    /// <summary>Goes one state further if the pending text allows it.</summary>
    private bool Step(List<AssistantSegment> segments, bool ended) => _state switch
    {
        State.Start => StepFromStart(segments, ended),
        State.Thinking => StepTo(segments, _thinkingMarkers, AssistantSegmentKind.Reasoning),
        State.Text => StepTo(segments, _textMarkers, AssistantSegmentKind.Text),
        State.Call => StepIntoCall(segments, ended),
        _ => StepFromCall(segments, ended),
    };

    private bool StepFromStart(List<AssistantSegment> segments, bool ended)
    {
        string text = _pending.ToString();
        int start = text.Length - text.TrimStart().Length;
        if (start == text.Length) return false;
        var reader = new LiteralReader(text, start, LiteralStyle.Usual);
        if (reader.TryTake(_thinking.Opener))
        {
            Take(reader.At);
            (_state, _trimNext) = (State.Thinking, true);
            return true;
        }

        if (reader.State == ReadState.Unfinished && !ended) return false;
        if (TryTextOpener(_own, ended) is { } decided) return decided;
        switch (ReadCalls(segments, _bare, start, ended))
        {
            case ReadState.Unfinished when !ended: return false;
            case ReadState.Whole: return true;
        }

        _state = State.Text;
        return true;
    }

    /// <summary>
    /// Hands out text up to the first of the markers, and changes state there; keeps back what may be a marker's beginning.
    /// </summary>
    private bool StepTo(List<AssistantSegment> segments, AssistantMarker[] markers, AssistantSegmentKind kind)
    {
        string text = _pending.ToString();
        int at = -1;
        AssistantMarker? found = null;
        foreach (AssistantMarker marker in markers)
        {
            int place = text.IndexOf(marker.Text, StringComparison.Ordinal);
            if (place >= 0 && (at < 0 || place < at)) (at, found) = (place, marker);
        }

        if (found is null)
        {
            Add(segments, kind, Take(text.Length - AssistantMarker.HeldBack(text, markers)));
            return false;
        }

        Add(segments, kind, Take(at));
        Take(found.Kind == AssistantMarkerKind.CallBeginning ? 0 : found.Text.Length);
        _opened = found;
        _trimNext = true;
        _state = found.Kind switch
        {
            AssistantMarkerKind.ThinkingOpener => State.Thinking,
            AssistantMarkerKind.CallOpener or AssistantMarkerKind.CallBeginning => State.Call,
            _ => State.Text,
        };
        return true;
    }

    private bool StepIntoCall(List<AssistantSegment> segments, bool ended)
    {
        switch (ReadCalls(segments, _opened!.Forms, 0, ended))
        {
            case ReadState.Unfinished when !ended: return false;
            case ReadState.Whole: return true;
        }

        // No call after all: the marker is text like any other.
        bool taken = _opened.Kind == AssistantMarkerKind.CallOpener;
        _trimNext = false;
        Add(segments, AssistantSegmentKind.Text, taken ? _opened.Text : Take(_opened.Text.Length));
        _state = State.Text;
        return true;
    }

    private bool StepFromCall(List<AssistantSegment> segments, bool ended)
    {
        ToolForm form = _form!;
        var reader = new LiteralReader(_pending.ToString(), 0, LiteralStyle.Usual);
        foreach (string expected in (ReadOnlySpan<string>)[form.Closer, form.Separator.Trim()])
        {
            if (expected.Length == 0) continue;
            LiteralReader end = reader;
            if (end.TryTake(expected))
            {
                Take(end.At);
                if (expected == form.Closer) _state = State.Text;
                return expected == form.Closer || StepIntoNextCall(segments, form, ended);
            }

            if (end.State == ReadState.Unfinished && !ended) return false;
        }

        return StepIntoNextCall(segments, form, ended);
    }

    private bool StepIntoNextCall(List<AssistantSegment> segments, ToolForm form, bool ended)
    {
        if (TryTextOpener(form, ended) is { } decided) return decided;
        switch (ReadCalls(segments, [form], 0, ended))
        {
            case ReadState.Unfinished when !ended: return false;
            case ReadState.Whole: return true;
        }

        (_state, _trimNext) = (State.Text, true);
        return true;
    }

    /// <summary>Goes past the mark of a plain answer, for forms that have one; null if it is not there.</summary>
    private bool? TryTextOpener(ToolForm? form, bool ended)
    {
        if (form?.TextOpener is not { } opener) return null;
        var reader = new LiteralReader(_pending.ToString(), 0, LiteralStyle.Usual);
        if (!reader.TryTake(opener)) return reader.State == ReadState.Unfinished && !ended ? false : null;
        Take(reader.At);
        _state = State.Text;
        return true;
    }

    /// <summary>Reads calls of tools that were offered in one of some forms.</summary>
    private ReadState ReadCalls(List<AssistantSegment> segments, IReadOnlyList<ToolForm> forms, int start, bool ended)
    {
        string text = _pending.ToString();
        ReadState result = ReadState.Other;
        foreach (ToolForm form in forms)
        {
            List<ChatToolCall> calls = [];
            int at = start;
            ReadState state = form.Syntax.Read(text, ref at, ended, _tools, calls);
            if (state == ReadState.Whole && calls.TrueForAll(call => _tools is null || _tools.Any(tool => tool.Name == call.Name)))
            {
                Take(at);
                AddCalls(segments, calls);
                (_form, _state) = (form, State.AfterCall);
                return ReadState.Whole;
            }

            if (state == ReadState.Unfinished) result = state;
        }

        return result;
    }

    private void AddCalls(List<AssistantSegment> segments, List<ChatToolCall> calls)
    {
        foreach (ChatToolCall call in calls)
        {
            // Ids join a call and its result; models that write none get them in order, in the nine characters that Mistral demands.
            string id = call.Id.Length > 0 ? call.Id : $"call{_calls:00000}";
            _calls++;
            segments.Add(new AssistantSegment(AssistantSegmentKind.ToolCall, "", call with { Id = id }));
        }
    }

    /// <summary>Takes characters off the front of what is pending.</summary>
    private string Take(int length)
    {
        string text = _pending.ToString(0, length);
        _pending.Remove(0, length);
        return text;
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
