using TinyMllm.Loaders.Text.Chat.Jinja;
using TinyMllm.Loaders.Text.Chat.ToolForms;
using TinyMllm.Loaders.Text.Chat.Trials;
using TinyMllm.Loaders.Text.Tokenizers;

namespace TinyMllm.Loaders.Text.Chat;

/// <summary>A Jinja template and what trials found it to understand; conversations are put into the form that it takes.</summary>
internal sealed class JinjaChat
{
    private readonly JinjaTemplate _template;
    private readonly ChatTokens _tokens;
    private readonly TemplateAbilities _abilities;
    private readonly Lazy<ToolAbilities> _tools;
    private readonly Lazy<bool> _thinkingSwitch;

    /// <param name="template">The template.</param>
    /// <param name="tokens">The texts of BOS and EOS.</param>
    /// <param name="toolsAlways">Whether the template is only used with tools.</param>
    public JinjaChat(JinjaTemplate template, ChatTokens tokens, bool toolsAlways = false)
    {
        (_template, _tokens) = (template, tokens);
        var trials = new TemplateTrials(
            (messages, tools, answer) => Render(messages, tools,
                new ChatRenderOptions { AddGenerationPrompt = answer, Now = DateTime.UnixEpoch }),
            toolsAlways);
        _abilities = trials.FindAbilities();
        _tools = new Lazy<ToolAbilities>(() => trials.FindToolAbilities(_abilities));
        _thinkingSwitch = new Lazy<bool>(() => FindThinkingSwitch(toolsAlways));
    }

    /// <summary>What went wrong with the simplest conversation; null when it can be rendered.</summary>
    public ChatTemplateException? Problem => _abilities.Problem;

    /// <summary>What the template writes for a picture; empty if it writes nothing.</summary>
    public string ImagePlaceholder => _abilities.ImagePlaceholder;

    /// <summary>True when system messages are written; otherwise they are put in front of the next user message.</summary>
    public bool SupportsSystemRole => _abilities.SystemRole;

    /// <summary>What the template understands of tools.</summary>
    public ToolAbilities Tools => _tools.Value;

    /// <summary>Whether thinking can be turned on and off by a variable.</summary>
    public bool HasThinkingSwitch => _thinkingSwitch.Value;

    /// <summary>Renders a conversation.</summary>
    /// <param name="messages">The messages, guarded already if they should be.</param>
    /// <param name="options">What it should contain.</param>
    /// <param name="form">How the model writes tool calls.</param>
    /// <param name="formIsShown">Whether the template itself shows that form; otherwise what it does about tools means nothing.</param>
    /// <param name="guard">Guards the words of tools and of their calls; null leaves them as they are.</param>
    public string Render(
        IReadOnlyList<TurnMessage> messages, ChatRenderOptions options, ToolForm form, bool formIsShown, TextGuard? guard = null)
    {
        bool offersTools = options.Tools.Count > 0;
        bool usesTools = offersTools || messages.Any(message => message.ToolCalls.Count > 0 || message.Role == TurnRole.Tool);
        ToolAbilities abilities = !usesTools || (!formIsShown && Tools.Offer == ToolOffer.None) ? ToolAbilities.None : Tools;
        var history = new ToolHistory(abilities, form, guard);
        if (usesTools) messages = history.Adapt(messages, options.Tools);
        bool toolsInSystem = offersTools && abilities.Offer == ToolOffer.SystemKey;
        if (toolsInSystem && messages is not [{ Role: TurnRole.System }, ..]) messages = [TurnMessage.System(""), .. messages];
        if (!SupportsSystemRole) messages = MoveSystemTexts(messages);

        List<object?>? tools = offersTools && abilities.Offer == ToolOffer.Variable
            ? [.. options.Tools.Select(tool => MessageValues.Of(tool, guard))] : null;
        string RenderWith(Func<TurnMessage, object> content)
        {
            List<object?> values = [.. messages.Select(message => MessageValues.Of(message, content(message), abilities, guard))];
            if (toolsInSystem) ((Dict)values[0]!)["tools"] = history.ToolList(options.Tools);
            return Render(values, tools, options);
        }

        object Flat(TurnMessage message) =>
            _abilities.TakesText ? message.Flatten(ChatTemplate.ImageMarker) : MessageValues.Parts(message, imagesAsText: true);
        int images = messages.Sum(message => message.Parts.Count(part => part.IsImage));
        if (images > 0 && ImagePlaceholder.Length > 0 && !options.ImagesAsText
            && TryWithPlaceholders(RenderWith, Flat, images) is { } withPlaceholders)
        {
            return withPlaceholders;
        }

        string rendered = RenderWith(Flat);
        if (Problem is not null && LostWords(messages, rendered)) throw Problem;
        return rendered;
    }

    /// <summary>
    /// Lets the template write its own placeholders and puts markers in their place. If a text holds the same characters, the count is off,
    /// and markers in the text it is. Some templates have placeholders in the user's messages only, and print the parts of others as they
    /// are.
    /// </summary>
    private string? TryWithPlaceholders(Func<Func<TurnMessage, object>, string> render, Func<TurnMessage, object> flat, int images)
    {
        foreach (bool usersOnly in (ReadOnlySpan<bool>)[false, true])
        {
            int markers = 0;
            string rendered;
            try
            {
                rendered = render(message =>
                {
                    if (!usersOnly || message.Role == TurnRole.User) return MessageValues.Parts(message, imagesAsText: false);
                    markers += message.Parts.Count(part => part.IsImage);
                    return flat(message);
                });
            }
            catch (ChatTemplateException) when (!usersOnly)
            {
                continue;
            }

            string replaced = rendered.Replace(ImagePlaceholder, ChatTemplate.ImageMarker, StringComparison.Ordinal);
            if (Count(rendered, ImagePlaceholder) == images - markers
                && Count(replaced, ChatTemplate.ImageMarker) == images)
            {
                return replaced;
            }
        }

        return null;
    }

    private bool FindThinkingSwitch(bool toolsAlways)
    {
        string? With(bool thinks)
        {
            try
            {
                var options = new ChatRenderOptions { EnableThinking = thinks, Now = DateTime.UnixEpoch };
                Dict question = MessageValues.Of(TurnMessage.User("a"),
                    _abilities.TakesText ? "a" : MessageValues.Parts(TurnMessage.User("a"), true), ToolAbilities.None, null);
                return Render([question], toolsAlways ? [] : null, options);
            }
            catch (ChatTemplateException)
            {
                return null;
            }
        }

        return With(true) != With(false);
    }

    private string Render(List<object?> messages, List<object?>? tools, ChatRenderOptions options)
    {
        List<(string, object?)> variables = [("messages", messages), ("bos_token", _tokens.Bos), ("eos_token", _tokens.Eos)];
        if (options.EnableThinking is { } thinks) variables.AddRange([("enable_thinking", thinks), ("thinking", thinks)]);
        if (options.AddGenerationPrompt) variables.Add(("add_generation_prompt", true));
        if (tools is not null) variables.Add(("tools", tools));
        foreach (var (name, value) in options.Variables) variables.Add((name, ValueJson.Read(value)));
        return _template.Render(variables, options.Now ?? DateTime.Now);
    }

    /// <summary>Whether the last thing that the user says is not in the prompt.</summary>
    private static bool LostWords(IReadOnlyList<TurnMessage> messages, string rendered)
    {
        string? words = messages.LastOrDefault(message => message.Role == TurnRole.User)?
            .Parts.LastOrDefault(part => part.Text?.Trim().Length > 0)?.Text;
        return words is not null && !rendered.Contains(words.Trim(), StringComparison.Ordinal);
    }

    /// <summary>Puts system texts, and a line break, in front of the next user message.</summary>
    private static List<TurnMessage> MoveSystemTexts(IReadOnlyList<TurnMessage> messages)
    {
        List<TurnMessage> result = [];
        List<ChatPart> waiting = [];
        foreach (TurnMessage message in messages)
        {
            if (message.Role == TurnRole.System)
            {
                waiting.Add(message.Flatten(ChatTemplate.ImageMarker) + "\n");
            }
            else if (message.Role == TurnRole.User && waiting.Count > 0)
            {
                string system = string.Concat(waiting.Select(part => part.Text));
                result.Add(message.Parts is [{ Text: { } first }, ..]
                    ? new TurnMessage(TurnRole.User, [system + first, .. message.Parts.Skip(1)])
                    : new TurnMessage(TurnRole.User, [system, .. message.Parts]));
                waiting.Clear();
            }
            else
            {
                result.Add(message);
            }
        }

        // Nobody asked anything after it: then it is the question.
        if (waiting.Count > 0) result.Add(new TurnMessage(TurnRole.User, string.Concat(waiting.Select(part => part.Text)).TrimEnd('\n')));
        return result;
    }

    private static int Count(string text, string part)
    {
        int count = 0;
        for (int i = text.IndexOf(part, StringComparison.Ordinal); i >= 0; i = text.IndexOf(part, i + part.Length, StringComparison.Ordinal)) count++;
        return count;
    }
}
