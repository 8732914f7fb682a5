using System.Text;
using System.Text.Json;
using TinyMllm.Loaders.Gguf;
using TinyMllm.Loaders.Text.Chat.BuiltIn;
using TinyMllm.Loaders.Text.Chat.Jinja;
using TinyMllm.Loaders.Text.Chat.Thinking;
using TinyMllm.Loaders.Text.Chat.ToolForms;
using TinyMllm.Loaders.Text.Chat.Trials;
using TinyMllm.Loaders.Text.Tokenizers;

namespace TinyMllm.Loaders.Text.Chat;

/// <summary>
/// Turns a conversation into the prompt that a model was trained on. The model's own Jinja template is interpreted; where there is none, or
/// it cannot be used, a built-in format takes its place. Immutable: many threads may render at once.
/// </summary>
public sealed class ChatTemplate
{
    /// <summary>The text that stands where a picture goes.</summary>
    public const string ImageMarker = "<__media__>";

    private const string Key = "tokenizer.chat_template", ToolUseKey = Key + ".tool_use", ThinkingVariable = "enable_thinking";

    private readonly JinjaChat? _jinja;
    private readonly BuiltInFormat? _builtIn;
    private readonly ChatTokens _tokens;
    private readonly TextGuard _guard;
    private readonly ToolForm? _shownForm;
    private readonly ToolForm? _tokensForm;
    private ChatTemplate? _withTools;

    private ChatTemplate(string source, JinjaChat? jinja, BuiltInFormat? builtIn, ChatTokens tokens, ChatTemplateException? problem)
    {
        (Source, Problem) = (source, problem);
        (_jinja, _builtIn, _tokens) = (jinja, builtIn, tokens);
        string[] pictures = [ImageMarker, jinja?.ImagePlaceholder ?? ""];
        _guard = new TextGuard([.. tokens.Special, .. pictures.Select(Encoding.UTF8.GetBytes)]);
        string[] special = [.. tokens.Special.Select(Encoding.UTF8.GetString)];
        _shownForm = KnownToolForms.Recognise(source);
        _tokensForm = KnownToolForms.Recognise(string.Join('\n', special));
        Thinking = ThinkingForm.Recognise(source, special);
    }

    /// <summary>The template's text, or the name of the built-in format.</summary>
    public string Source { get; }

    /// <summary>
    /// What is wrong with the template: it cannot be read, or the simplest conversation fails. Null when nothing is. A template with a
    /// problem is replaced by the built-in format that it resembles (<see cref="BuiltInName"/>); if it resembles none, it is tried all the
    /// same when a conversation is rendered, and that is when it fails.
    /// </summary>
    public ChatTemplateException? Problem { get; }

    /// <summary>
    /// What is wrong, a line each: with the template, and with the one for conversations with tools, which then is not used.
    /// </summary>
    internal IEnumerable<string> Problems =>
        new[] { Problem?.Message, _withTools?.Problem is { } ofTools ? $"{ToolUseKey}: {ofTools.Message}" : null }
        .OfType<string>().Select(problem => problem.ReplaceLineEndings(" "));

    /// <summary>Name of the built-in format in use; null when the Jinja template is interpreted.</summary>
    public string? BuiltInName => _jinja is null || Problem is not null ? _builtIn?.Name : null;

    /// <summary>
    /// True when the template describes tools to the model. Otherwise the system's turn does so, in words of this library, and calls and
    /// their results are written as words too.
    /// </summary>
    public bool SupportsTools => ForTools.OffersTools;

    /// <summary>
    /// True when the template knows a system role of its own; otherwise the system text is put in front of the first question.
    /// </summary>
    public bool SupportsSystemRole => _jinja?.SupportsSystemRole ?? true;

    /// <summary>True when the template or its special tokens show that the model can think before it answers.</summary>
    public bool SupportsThinking => Thinking is not null;

    /// <summary>Names of the built-in formats, which <see cref="Parse"/> takes as well.</summary>
    public static IReadOnlyList<string> BuiltInNames => [.. BuiltInFormats.Names];

    /// <summary>
    /// How the model writes tool calls: as its template shows, or its special tokens where the template knows tools; else in the form of
    /// the words that describe the tools in its place.
    /// </summary>
    internal ToolForm CallForm => ForTools.OwnForm;

    /// <summary>How the model marks what it thinks; null if nothing shows that it does.</summary>
    internal ThinkingForm? Thinking { get; }

    private bool OffersTools => _jinja is not null && _jinja.Tools.Offer != ToolOffer.None;

    private ToolForm OwnForm => _shownForm ?? (OffersTools ? _tokensForm : null) ?? KnownToolForms.Generic;

    /// <summary>Whether templates see <c>enable_thinking</c> as true where nobody wishes anything, as with llama.cpp.</summary>
    internal bool DefinesThinking { get; set; }

    /// <summary>The template for conversations with tools.</summary>
    private ChatTemplate ForTools => _withTools is { Problem: null } ? _withTools : this;

    /// <summary>Reads a Jinja template, or takes the name of a built-in format such as <c>chatml</c>.</summary>
    /// <exception cref="ChatTemplateException">The template cannot be read and resembles no built-in format.</exception>
    public static ChatTemplate Parse(string template, ChatTokens? tokens = null)
    {
        ArgumentNullException.ThrowIfNull(template);
        ChatTemplate parsed = Read(template, tokens ?? new ChatTokens());
        return parsed._jinja is null && parsed._builtIn is null ? throw parsed.Problem! : parsed;
    }

    /// <summary>
    /// The template of a model: <paramref name="replacement"/> if given, else <c>tokenizer.chat_template</c> (and
    /// <c>tokenizer.chat_template.tool_use</c> for conversations with tools), else chatml. A template that is no good is no error here:
    /// <see cref="Problem"/> says what is wrong, and rendering a conversation fails.
    /// </summary>
    /// <param name="metadata">The model file's metadata.</param>
    /// <param name="tokenizer">Its tokenizer, for the texts of BOS and EOS.</param>
    /// <param name="replacement">A template, or the name of a built-in format, that takes the place of the model's own.</param>
    public static ChatTemplate Load(GgufMetadata metadata, Tokenizer tokenizer, string? replacement = null)
    {
        ArgumentNullException.ThrowIfNull(metadata);
        ArgumentNullException.ThrowIfNull(tokenizer);
        string Text(int token) => token < 0 ? "" : Encoding.UTF8.GetString(tokenizer.Piece(token, special: true));
        var tokens = new ChatTokens(Text(tokenizer.Bos), Text(tokenizer.Eos), tokenizer.AddBos, tokenizer.AddEos)
        {
            Special = [.. tokenizer.ControlTexts],
        };
        if (replacement is not null) return Read(replacement, tokens);

        ChatTemplate template = Read(metadata.TryGetString(Key, out string? own) ? own : "chatml", tokens);
        if (metadata.TryGetString(ToolUseKey, out string? toolUse)) template._withTools = Read(toolUse, tokens, toolsAlways: true);
        return template;
    }

    /// <summary>
    /// The prompt of a conversation, with <see cref="ImageMarker"/> where pictures go. Words of messages are not told apart from the
    /// template's own: for people to read; <see cref="RenderGuarded"/> is for models.
    /// </summary>
    /// <exception cref="ChatTemplateException">The template refuses the conversation, or fails.</exception>
    public string Render(IReadOnlyList<TurnMessage> messages, ChatRenderOptions? options = null) =>
        Render(messages, options, guarded: false);

    /// <summary>
    /// The same prompt, in which special tokens, <see cref="ImageMarker"/> and the template's own picture placeholder do not count where
    /// the words of a message, a tool or its results spell them out.
    /// </summary>
    /// <exception cref="ChatTemplateException">The template refuses the conversation, or fails.</exception>
    public GuardedText RenderGuarded(IReadOnlyList<TurnMessage> messages, ChatRenderOptions? options = null) =>
        GuardedText.Read(Render(messages, options, guarded: true));

    /// <summary>
    /// A parser for an answer of this template's model: it knows the model's own forms, and whether the prompt has it think.
    /// </summary>
    /// <param name="prompt">The prompt that is answered.</param>
    /// <param name="tools">The tools that it offers.</param>
    public AssistantOutputParser CreateParser(string prompt, IReadOnlyList<ChatTool>? tools = null)
    {
        ArgumentNullException.ThrowIfNull(prompt);
        ThinkingForm thinking = Thinking ?? ThinkingForm.Usual;
        return new AssistantOutputParser(tools ?? [], CallForm, thinking,
            thinksAnywhere: Thinking is not null, thinking.IsOpenAtEndOf(prompt));
    }

    /// <summary>Reads a template; what is wrong with it is in <see cref="Problem"/>.</summary>
    /// <param name="template">A template, or the name of a built-in format.</param>
    /// <param name="tokens">The texts of BOS and EOS.</param>
    /// <param name="toolsAlways">Whether it is only used with tools.</param>
    private static ChatTemplate Read(string template, ChatTokens tokens, bool toolsAlways = false)
    {
        if (BuiltInFormats.Find(template.Trim()) is { } named) return new ChatTemplate(named.Name, null, named, tokens, null);
        BuiltInFormat? resembles = FormatDetection.Detect(template);
        JinjaChat? jinja = null;
        ChatTemplateException? problem;
        try
        {
            jinja = new JinjaChat(JinjaTemplate.Parse(template), tokens, toolsAlways);
            problem = jinja.Problem;
        }
        catch (ChatTemplateException unreadable)
        {
            problem = unreadable;
        }

        // What refuses a trial understood it.
        return new ChatTemplate(template, jinja, resembles, tokens, problem is { RaisedByTemplate: true } ? null : problem);
    }

    private string Render(IReadOnlyList<TurnMessage> messages, ChatRenderOptions? options, bool guarded)
    {
        ArgumentNullException.ThrowIfNull(messages);
        options ??= new ChatRenderOptions();
        if (DefinesThinking && options.EnableThinking is null && !options.Variables.ContainsKey(ThinkingVariable))
        {
                options = options with { Variables =
                    new Dictionary<string, JsonElement>(options.Variables) { [ThinkingVariable] = JsonElement.Parse("true") } };
        }

        if (options.Tools.Count > 0 && ForTools != this) return ForTools.Render(messages, options, guarded);
        TextGuard? guard = guarded ? _guard : null;
        if (guard is not null) messages = [.. messages.Select(message => message.Rewrite(guard.Protect))];
        string prompt = RenderWithJinja(messages, options, guard)
            ?? _builtIn!.Render(new ToolHistory(ToolAbilities.None, OwnForm, guard).Adapt(messages, options.Tools),
                options.AddGenerationPrompt, ImageMarker);
        return Trim(options is { AddGenerationPrompt: true, EnableThinking: false } ? EndThoughts(prompt) : prompt);
    }

    /// <summary>
    /// The prompt as the Jinja template has it; null if a built-in format has to take its place. A template that failed the trials may do
    /// with this conversation, or with its variables, all the same.
    /// </summary>
    private string? RenderWithJinja(IReadOnlyList<TurnMessage> messages, ChatRenderOptions options, TextGuard? guard)
    {
        if (_jinja is null) return _builtIn is null ? throw Problem! : null;
        try
        {
            return _jinja.Render(messages, options, OwnForm, _shownForm is not null, guard);
        }
        catch (ChatTemplateException problem) when (Problem is not null && _builtIn is not null && !problem.RaisedByTemplate)
        {
            return null;
        }
    }

    /// <summary>Ends the thoughts that the prompt begins, or gives empty ones where the template has no switch for them.</summary>
    private string EndThoughts(string prompt)
    {
        ThinkingForm form = Thinking ?? ThinkingForm.Usual;
        if (form.IsOpenAtEndOf(prompt)) return prompt + (prompt.EndsWith('\n') ? "\n" : "\n\n") + form.Closer + "\n\n";
        bool needsEmptyThoughts = Thinking is not null && !(_jinja?.HasThinkingSwitch ?? false);
        return needsEmptyThoughts ? $"{prompt}{form.Opener}\n\n{form.Closer}\n\n" : prompt;
    }

    /// <summary>Takes off what the tokenizer will add by itself.</summary>
    private string Trim(string prompt)
    {
        if (_tokens is { AddBos: true, Bos.Length: > 0 } && prompt.StartsWith(_tokens.Bos, StringComparison.Ordinal)) prompt = prompt[_tokens.Bos.Length..];
        if (_tokens is { AddEos: true, Eos.Length: > 0 } && prompt.EndsWith(_tokens.Eos, StringComparison.Ordinal)) prompt = prompt[..^_tokens.Eos.Length];
        return prompt;
    }
}
