using System.Text.Json;

namespace TinyMllm.Loaders.Text.Chat;

/// <summary>What a rendering of messages should contain.</summary>
public sealed record ChatRenderOptions
{
    /// <summary>End with the beginning of the assistant's turn, so that the model answers.</summary>
    public bool AddGenerationPrompt { get; init; } = true;

    /// <summary>
    /// Thinking on or off; null leaves it to the template, which then does not see a switch at all. The switch is the variable
    /// <c>enable_thinking</c>, and <c>thinking</c> for the families that call it so. Where a template has no switch, false ends the prompt
    /// with empty thoughts; a model without thoughts is not touched.
    /// </summary>
    public bool? EnableThinking { get; init; }

    /// <summary>Tools that the assistant may call. A template that knows none gets them described in its system text.</summary>
    public IReadOnlyList<ChatTool> Tools { get; init; } = [];

    /// <summary>The date that templates print; null: now.</summary>
    public DateTime? Now { get; init; }

    /// <summary>
    /// Put the picture marker into the text before rendering, as llama.cpp does, instead of letting the template write its own picture
    /// placeholder. Some templates then differ by a blank: <c>User: &lt;picture&gt;</c> and <c>User:&lt;picture&gt;</c>.
    /// </summary>
    public bool ImagesAsText { get; init; }

    /// <summary>More variables for the template.</summary>
    public IReadOnlyDictionary<string, JsonElement> Variables { get; init; } = new Dictionary<string, JsonElement>();
}

/// <summary>What a template must know of the tokenizer.</summary>
/// <param name="Bos">Text of the token that begins a text, empty when there is none.</param>
/// <param name="Eos">Text of the token that ends a text, empty when there is none.</param>
/// <param name="AddBos">True when the tokenizer puts BOS in front by itself; the rendered prompt then comes without it.</param>
/// <param name="AddEos">True when the tokenizer appends EOS by itself.</param>
public sealed record ChatTokens(string Bos = "", string Eos = "", bool AddBos = false, bool AddEos = false)
{
    /// <summary>What special tokens look like when they are written out.</summary>
    internal IReadOnlyList<byte[]> Special { get; init; } = [];
}
