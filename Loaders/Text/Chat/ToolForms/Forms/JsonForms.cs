namespace TinyMllm.Loaders.Text.Chat.ToolForms;

/// <summary>Forms that are JSON altogether: a call is an object with its name and arguments.</summary>
internal static class JsonForms
{
    /// <summary>The whole answer is one JSON call or a list of them: xLAM, and many small models whatever they were told.</summary>
    public static ToolForm BareJson { get; } = new()
    {
        Name = "json",
        Signs = [],
        Openers = [""],
        Syntax = new JsonCalls { List = true, NeedsArguments = true },
    };

    /// <summary>Granite 3: a list of JSON calls behind a special token, to the end of the turn.</summary>
    public static ToolForm Granite { get; } = new()
    {
        Name = "granite",
        Signs = [["<|tool_call|>"]],
        Openers = ["<|tool_call|>"],
        Syntax = new JsonCalls { List = true },
    };

    /// <summary>
    /// Hermes, Qwen 2.5 and 3, SmolLM3, Granite 4, MiMo: one JSON object in tags for each call. Also what models without a form of their own
    /// are told to write.
    /// </summary>
    public static ToolForm Hermes { get; } = new()
    {
        Name = "hermes",
        Signs = [["<tool_call>"]],
        Openers = ["<tool_call>"],
        Closer = "</tool_call>",
        Margin = "\n",
        Separator = "\n",
        RepeatsOpener = true,
        Syntax = new JsonCalls(),
    };

    /// <summary>InternLM 2: one JSON object behind special tokens.</summary>
    public static ToolForm InternLm2 { get; } = new()
    {
        Name = "internlm2",
        Signs = [["<|action_start|>"]],
        Openers = ["<|action_start|><|plugin|>"],
        Closer = "<|action_end|>",
        Margin = "\n",
        Separator = "\n",
        RepeatsOpener = true,
        Syntax = new JsonCalls { ArgumentsKey = "parameters" },
    };

    /// <summary>
    /// Llama 3: the whole answer is one JSON object; its arguments are called parameters. A special token may stand before it.
    /// </summary>
    public static ToolForm Llama3 { get; } = new()
    {
        Name = "llama3",
        Signs = [["<|python_tag|>"], ["Environment: ipython"], ["<|start_header_id|>", "\"parameters\""]],
        Openers = ["", "<|python_tag|>"],
        Separator = "; ",
        Syntax = new JsonCalls { ArgumentsKey = "parameters", NeedsArguments = true },
    };

    /// <summary>Mistral until Small 3.1: a list of JSON calls behind a special token.</summary>
    public static ToolForm Mistral { get; } = new()
    {
        Name = "mistral",
        Signs = [["[TOOL_CALLS]"]],
        Openers = ["[TOOL_CALLS]"],
        Syntax = new JsonCalls { List = true },
    };

    /// <summary>Llama-Nemotron: a list of JSON calls in tags.</summary>
    public static ToolForm Nemotron { get; } = new()
    {
        Name = "nemotron",
        Signs = [["<TOOLCALL>"]],
        Openers = ["<TOOLCALL>"],
        Closer = "</TOOLCALL>",
        Syntax = new JsonCalls { List = true },
    };

    /// <summary>Phi-4-mini: a list of JSON calls between special tokens, or one call; only the end distinguishes it from Granite.</summary>
    public static ToolForm Phi4Mini { get; } = new()
    {
        Name = "phi-4-mini",
        Signs = [["<|tool_call|>", "<|/tool_call|>"], ["<|tool|>", "<|/tool|>"]],
        Openers = ["<|tool_call|>"],
        Closer = "<|/tool_call|>",
        Syntax = new JsonCalls { List = true },
    };
}
