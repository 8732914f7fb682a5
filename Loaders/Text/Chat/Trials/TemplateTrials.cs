using System.Text.RegularExpressions;
using TinyMllm.Loaders.Text.Chat.Jinja;

namespace TinyMllm.Loaders.Text.Chat.Trials;

/// <summary>Renders values with a template; its date and variables do not matter to a trial.</summary>
/// <param name="messages">The messages.</param>
/// <param name="tools">The variable <c>tools</c>; null if there is none.</param>
/// <param name="answer">Whether the prompt ends with the beginning of an answer.</param>
internal delegate string TrialRender(List<object?> messages, List<object?>? tools, bool answer);

/// <summary>
/// Finds out what a template understands by rendering small conversations whose words it can look for. Templates differ in whether content
/// is a text or a list of parts, in what they write for a picture, in whether there is a system role, and in all that has to do with tools.
/// A trial that fails only says that the template does not understand it.
/// </summary>
/// <param name="render">Renders.</param>
/// <param name="toolsAlways">Whether the template is only used with tools, and may fail without.</param>
internal sealed partial class TemplateTrials(TrialRender render, bool toolsAlways)
{
    private const string Needle = "zqtrialqz", SecondNeedle = "qzsecondzq", ThirdNeedle = "zqthirdqz", Name = "zqtoolqz";

    /// <summary>Nine characters, as Mistral's templates demand.</summary>
    private const string FirstId = "call00000", SecondId = "call00001";

    private static readonly List<object?> Tools = [Dict.Of(("type", "function"), ("function", Dict.Of(("name", Name), ("description", ""),
        ("parameters", Dict.Of(("type", "object"), ("properties", Dict.Of(("key", Dict.Of(("type", "string"))))))))))];

    private ChatTemplateException? _problem;

    /// <summary>Plain conversations.</summary>
    public TemplateAbilities FindAbilities()
    {
        string? plain = Try(Message("user", Needle));
        string? parts = Try(Message("user", Parts(TextPart(Needle))));
        bool takesText = Shows(plain) || !Shows(parts);
        string placeholder = Shows(parts) ? FindImagePlaceholder() : "";
        bool failed = !Shows(plain) && !Shows(parts);
        var problem = !failed ? null : _problem ?? new ChatTemplateException(0, "it does not write what the user says");
        string? both = Try(Message("system", Content(Needle, takesText)), Message("user", Content(SecondNeedle, takesText)));
        return new TemplateAbilities(takesText, placeholder, Shows(both) && Has(both, SecondNeedle), problem);
    }

    /// <summary>Conversations with tools.</summary>
    /// <param name="abilities">What was found out before.</param>
    public ToolAbilities FindToolAbilities(TemplateAbilities abilities)
    {
        ToolOffer offer = FindOffer(abilities);
        List<object?>? tools = offer == ToolOffer.Variable ? Tools : null;
        bool results = true;
        var (calls, asText, content) = BestCalls(abilities, tools, results);
        if (!calls)
        {
            // It may be the result that it does not like.
            results = false;
            (calls, asText, content) = BestCalls(abilities, tools, results);
        }

        string? Whole(int count, bool withResult) => Try(CallConversation(abilities, asText, content, count, withResult), tools);
        results = calls ? results && Has(Whole(1, true), ThirdNeedle) : Has(Try([Message("user", Content(Needle, abilities.TakesText)),
            Message("assistant", Content(SecondNeedle, abilities.TakesText)), Result(abilities)], tools), ThirdNeedle);
        return new ToolAbilities(offer, calls,
            calls && Count(Whole(2, results), Name) > Count(Whole(1, results), Name), asText, content, results);
    }

    private ToolOffer FindOffer(TemplateAbilities abilities)
    {
        Dict question = Message("user", Content(Needle, abilities.TakesText));
        if (Has(Try([question], Tools), Name)) return ToolOffer.Variable;
        Dict system = Message("system", Content(SecondNeedle, abilities.TakesText));
        system["tools"] = Name;
        return Has(Try([system, question], null), Name) ? ToolOffer.SystemKey : ToolOffer.None;
    }

    /// <summary>
    /// The way of giving a call that shows most of it. A template that wants no content may write an empty turn behind the call for an
    /// empty text, which counts against that.
    /// </summary>
    private (bool Calls, bool ArgumentsAsText, EmptyContent Content) BestCalls(
        TemplateAbilities abilities, List<object?>? tools, bool withResult)
    {
        (int Score, bool AsText, EmptyContent Content) best = (0, false, EmptyContent.Text);
        string emptyTurn = FindEmptyTurn(abilities, tools);
        foreach (bool asText in (ReadOnlySpan<bool>)[false, true])
        {
            foreach (EmptyContent content in Enum.GetValues<EmptyContent>())
            {
                if (Try(CallConversation(abilities, asText, content, 1, withResult), tools) is not { } prompt) continue;
                int score = 2 * Score(prompt, Try(CallConversation(abilities, asText, content, 0, withResult), tools));
                if (score > 0 && emptyTurn.Length > 0 && Has(prompt, emptyTurn)) score--;
                if (score > best.Score) best = (score, asText, content);
            }
        }

        return (best.Score > 0, best.AsText, best.Content);
    }

    /// <summary>
    /// How well a call came out: 0 if it was lost, more if the arguments are there, most if they look as JSON or tags do.
    /// </summary>
    private static int Score(string prompt, string? without)
    {
        if (Count(prompt, Name) <= Count(without, Name) || !Has(prompt, SecondNeedle)) return 0;
        return Has(prompt, $"\\\"{SecondNeedle}") || Has(prompt, $"\\\"key") ? 1 : PythonPair().IsMatch(prompt) ? 2 : 3;
    }

    /// <summary>What the template writes for a turn of the assistant in which it says nothing.</summary>
    private string FindEmptyTurn(TemplateAbilities abilities, List<object?>? tools)
    {
        Dict question = Message("user", Content(Needle, abilities.TakesText));
        string? without = Try([question], tools, answer: false);
        string? with = Try([question, Message("assistant", Content("", abilities.TakesText))], tools, answer: false);
        return without is not null && with is not null && with.StartsWith(without, StringComparison.Ordinal) ? with[without.Length..] : "";
    }

    private static List<object?> CallConversation(
        TemplateAbilities abilities, bool argumentsAsText, EmptyContent content, int calls, bool withResult)
    {
        var call = Dict.Of(("role", "assistant"));
        if (content == EmptyContent.None) call["content"] = null;
        else if (content == EmptyContent.Text || calls == 0) call["content"] = Content("", abilities.TakesText);
        if (calls > 0)
        {
            call["tool_calls"] =
                Enumerable.Range(0, calls).Select(i => Call(i == 0 ? FirstId : SecondId, argumentsAsText)).ToList();
        }

        List<object?> messages = [Message("user", Content(Needle, abilities.TakesText)), call];
        if (withResult) messages.Add(Result(abilities));
        return messages;
    }

    private static object? Call(string id, bool argumentsAsText) => Dict.Of(
        ("id", id), ("type", "function"), ("function", Dict.Of(("name", Name),
        ("arguments", argumentsAsText ? $$"""{"key": "{{SecondNeedle}}"}""" : Dict.Of(("key", SecondNeedle))))));

    private static Dict Result(TemplateAbilities abilities)
    {
        Dict result = Message("tool", Content(ThirdNeedle, abilities.TakesText));
        (result["name"], result["tool_call_id"]) = (Name, FirstId);
        return result;
    }

    /// <summary>
    /// What the template writes for a picture: the difference that a first picture makes, or that a second one makes where the first
    /// changes other things as well; nothing if it makes none.
    /// </summary>
    private string FindImagePlaceholder()
    {
        string?[] prompts = [.. Enumerable.Range(0, 3).Select(count => Try(Message("user", Parts(
            [.. Enumerable.Repeat<object?>(Dict.Of(("type", "image")), count), TextPart(Needle)]))))];
        string first = Difference(prompts[0], prompts[1]), second = Difference(prompts[1], prompts[2]);
        bool firstIsSecond = first.Length > 0 && Count(prompts[2], first) == 2;
        bool secondIsFirst = second.Length > 0 && Count(prompts[1], second) == 1 && Count(prompts[2], second) == 2;
        return !firstIsSecond && secondIsFirst ? second : first;
    }

    /// <summary>What one prompt has in its midst that another has not.</summary>
    private static string Difference(string? without, string? with)
    {
        if (!Shows(without) || !Shows(with)) return "";
        int prefix = without.AsSpan().CommonPrefixLength(with), suffix = 0;
        while (suffix < Math.Min(without!.Length, with!.Length) - prefix && without[^(suffix + 1)] == with[^(suffix + 1)]) suffix++;
        string difference = with[prefix..^suffix].Trim();
        return Has(difference, Needle) ? "" : difference;
    }

    private string? Try(params List<object?> messages) => Try(messages, null);

    private string? Try(List<object?> messages, List<object?>? tools, bool answer = true)
    {
        try
        {
            return render(messages, tools ?? (toolsAlways ? Tools : null), answer);
        }
        catch (ChatTemplateException problem)
        {
            _problem ??= problem;
            return null;
        }
    }

    /// <summary>True when the needle came out as a text, not as part of a printed list.</summary>
    private static bool Shows(string? rendered) => Has(rendered, Needle) && !PrintedPart().IsMatch(rendered!);

    private static bool Has(string? text, string part) => text is not null && text.Contains(part, StringComparison.Ordinal);

    private static int Count(string? text, string part) => text is null ? 0 : text.Split(part).Length - 1;

    private static object Content(string text, bool takesText) => takesText ? text : Parts(TextPart(text));

    private static List<object?> Parts(params List<object?> parts) => parts;

    private static Dict TextPart(string text) => Dict.Of(("type", "text"), ("text", text));

    private static Dict Message(string role, object content) => Dict.Of(("role", role), ("content", content));

    [GeneratedRegex($"""['"]text['"]\s*:\s*['"]{Needle}""", RegexOptions.CultureInvariant)]
    private static partial Regex PrintedPart();

    /// <summary>An argument as Python prints a dict.</summary>
    [GeneratedRegex($"""'key'\s*:\s*'{SecondNeedle}'""", RegexOptions.CultureInvariant)]
    private static partial Regex PythonPair();
}
