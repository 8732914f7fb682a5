using System.Text;
using TinyMllm.Loaders.Chat.BuiltIn;
using TinyMllm.Loaders.Chat.Jinja;
using TinyMllm.Loaders.Chat.Thinking;
using TinyMllm.Loaders.Chat.ToolForms;
using TinyMllm.Loaders.Gguf;
using TinyMllm.Loaders.Tokenizers;

namespace TinyMllm.Loaders.Chat;

/// <summary>
/// Turns a conversation into the prompt that a model was trained on. The model's own Jinja template is interpreted; where there is none, or
/// it cannot be read, a built-in format takes its place. Immutable: many threads may render at once.
/// </summary>
public sealed class ChatTemplate
{
    /// <summary>The text that stands where a picture goes.</summary>
    public const string ImageMarker = "<__media__>";

    private const string Key = "tokenizer.chat_template";

    private readonly JinjaChat? _jinja;
    private readonly BuiltInFormat? _builtIn;
    private readonly ChatTokens _tokens;
    private readonly TextGuard _guard;
    private readonly ToolForm? _toolForm;
    private ChatTemplate? _withTools;

    private ChatTemplate(string source, JinjaChat? jinja, BuiltInFormat? builtIn, ChatTokens tokens)
    {
        Source = source;
        (_jinja, _builtIn, _tokens) = (jinja, builtIn, tokens);
        string[] pictures = [ImageMarker, jinja?.ImagePlaceholder ?? ""];
        _guard = new TextGuard([.. tokens.Special, .. pictures.Select(Encoding.UTF8.GetBytes)]);
        string[] special = [.. tokens.Special.Select(Encoding.UTF8.GetString)];
        _toolForm = KnownToolForms.Recognise(source, special);
        Thinking = ThinkingForm.Recognise(source, special);
    }

    /// <summary>The template's text, or the name of the built-in format.</summary>
    public string Source { get; }

    /// <summary>Name of the built-in format in use; null when the Jinja template is interpreted.</summary>
    public string? BuiltInName => _jinja is null ? _builtIn?.Name : null;

    /// <summary>
    /// True when the template describes tools to the model. Otherwise the system's turn does so, in words of this library, and calls and
    /// their results are written as words too.
    /// </summary>
    public bool SupportsTools => _withTools is not null || (_jinja?.SupportsTools ?? false);

    /// <summary>True when the template knows a system role of its own; otherwise the system text is put in front of the first question.</summary>
    public bool SupportsSystemRole => _jinja?.SupportsSystemRole ?? true;

    /// <summary>How the model writes tool calls; null if neither its template nor its special tokens show that.</summary>
    internal ToolForm? ToolForm => _withTools?._toolForm ?? _toolForm;

    /// <summary>How calls are asked for: in the template's own form, else in that of the words that describe the tools in its place.</summary>
    internal ToolForm CallForm => SupportsTools && ToolForm is { } own ? own : KnownToolForms.Generic;

    /// <summary>How the model marks what it thinks; null if nothing shows that it does.</summary>
    internal ThinkingForm? Thinking { get; }

    /// <summary>Names of the built-in formats, which <see cref="Parse"/> takes as well.</summary>
    public static IReadOnlyList<string> BuiltInNames => [.. BuiltInFormats.Names];

    /// <summary>Reads a Jinja template, or takes the name of a built-in format such as <c>chatml</c>.</summary>
    /// <exception cref="ChatTemplateException">The template cannot be read and resembles no built-in format.</exception>
    public static ChatTemplate Parse(string template, ChatTokens? tokens = null)
    {
        ArgumentNullException.ThrowIfNull(template);
        tokens ??= new ChatTokens();
        if (BuiltInFormats.Find(template.Trim()) is { } named) return new ChatTemplate(named.Name, null, named, tokens);
        BuiltInFormat? resembles = FormatDetection.Detect(template);
        try
        {
            var jinja = new JinjaChat(JinjaTemplate.Parse(template), tokens);
            if (jinja.Problem is not null && resembles is null) throw jinja.Problem;
            return new ChatTemplate(template, jinja.Problem is null ? jinja : null, resembles, tokens);
        }
        catch (ChatTemplateException) when (resembles is not null)
        {
            return new ChatTemplate(template, null, resembles, tokens);
        }
    }

    /// <summary>
    /// The template of a model: <paramref name="replacement"/> if given, else <c>tokenizer.chat_template</c> (and
    /// <c>tokenizer.chat_template.tool_use</c> for conversations with tools), else chatml.
    /// </summary>
    /// <param name="metadata">The model file's metadata.</param>
    /// <param name="tokenizer">Its tokenizer, for the texts of BOS and EOS.</param>
    /// <param name="replacement">A template, or the name of a built-in format, that takes the place of the model's own.</param>
    /// <exception cref="ChatTemplateException">The template cannot be read and resembles no built-in format.</exception>
    public static ChatTemplate Load(GgufMetadata metadata, Tokenizer tokenizer, string? replacement = null)
    {
        ArgumentNullException.ThrowIfNull(metadata);
        ArgumentNullException.ThrowIfNull(tokenizer);
        string Text(int token) => token < 0 ? "" : Encoding.UTF8.GetString(tokenizer.Piece(token, special: true));
        var tokens = new ChatTokens(Text(tokenizer.Bos), Text(tokenizer.Eos), tokenizer.AddBos, tokenizer.AddEos)
        {
            Special = [.. tokenizer.ControlTexts],
        };
        if (replacement is not null) return Parse(replacement, tokens);

        ChatTemplate template = Parse(metadata.GetString(Key, "chatml")!, tokens);
        if (metadata.TryGetString(Key + ".tool_use", out string? toolUse)) template._withTools = Parse(toolUse, tokens);
        return template;
    }

    /// <summary>
    /// The prompt of a conversation, with <see cref="ImageMarker"/> where pictures go. Words of messages are not told apart from the
    /// template's own: for people to read; <see cref="RenderGuarded"/> is for models.
    /// </summary>
    /// <exception cref="ChatTemplateException">The template refuses the conversation, or fails.</exception>
    public string Render(IReadOnlyList<ChatMessage> messages, ChatRenderOptions? options = null) => Render(messages, options, null);

    /// <summary>
    /// The same prompt, in which special tokens, <see cref="ImageMarker"/> and the template's own picture placeholder do not count where the
    /// words of a message, a tool or its results spell them out.
    /// </summary>
    /// <exception cref="ChatTemplateException">The template refuses the conversation, or fails.</exception>
    public GuardedText RenderGuarded(IReadOnlyList<ChatMessage> messages, ChatRenderOptions? options = null) =>
        GuardedText.Read(Render(messages, options, _guard));

    /// <summary>A parser for an answer of this template's model: it knows the model's own forms, and whether the prompt has it think.</summary>
    /// <param name="prompt">The prompt that is answered.</param>
    /// <param name="tools">The tools that it offers.</param>
    public AssistantOutputParser CreateParser(string prompt, IReadOnlyList<ChatTool>? tools = null)
    {
        ArgumentNullException.ThrowIfNull(prompt);
        ThinkingForm thinking = Thinking ?? ThinkingForm.Usual;
        return new AssistantOutputParser(tools ?? [], ToolForm, thinking, thinksAnywhere: Thinking is not null, thinking.IsOpenAtEndOf(prompt));
    }

    private string Render(IReadOnlyList<ChatMessage> messages, ChatRenderOptions? options, TextGuard? guard)
    {
        ArgumentNullException.ThrowIfNull(messages);
        options ??= new ChatRenderOptions();
        if (_withTools is not null && options.Tools.Count > 0)
            return _withTools.Render(messages, options, guard is null ? null : _withTools._guard);
        if (guard is not null) messages = [.. messages.Select(message => message.Rewrite(guard.Protect))];
        if (!SupportsTools && (options.Tools.Count > 0 || messages.Any(message => message.Role == ChatRole.Tool || message.ToolCalls.Count > 0)))
        {
            messages = GenericTools.Write(messages, options.Tools, guard);
            options = options with { Tools = [] };
        }

        return Trim(_jinja is not null
            ? _jinja.Render(messages, options, guard)
            : _builtIn!.Render(messages, options.AddGenerationPrompt, ImageMarker));
    }

    /// <summary>Takes off what the tokenizer will add by itself.</summary>
    private string Trim(string prompt)
    {
        if (_tokens is { AddBos: true, Bos.Length: > 0 } && prompt.StartsWith(_tokens.Bos, StringComparison.Ordinal)) prompt = prompt[_tokens.Bos.Length..];
        if (_tokens is { AddEos: true, Eos.Length: > 0 } && prompt.EndsWith(_tokens.Eos, StringComparison.Ordinal)) prompt = prompt[..^_tokens.Eos.Length];
        return prompt;
    }
}
