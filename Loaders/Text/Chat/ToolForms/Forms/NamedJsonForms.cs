namespace TinyMllm.Loaders.Text.Chat.ToolForms;

/// <summary>Forms in which the name stands in front of the JSON of the arguments.</summary>
internal static class NamedJsonForms
{
    /// <summary>DeepSeek V3, R1 and its distillations: type and name, then JSON in a code block, all between special tokens.</summary>
    public static ToolForm DeepSeekR1 { get; } = new()
    {
        Name = "deepseek-r1",
        Signs = [["<｜tool▁calls▁begin｜>", "```json"]],
        Openers = ["<｜tool▁calls▁begin｜>"],
        Beginnings = ["<｜tool▁call▁begin｜>"],
        Closer = "<｜tool▁calls▁end｜>",
        Separator = "\n",
        Syntax = new NamedJsonCall
        {
            Before = "<｜tool▁call▁begin｜>function<｜tool▁sep｜>", Between = "\n```json\n", After = ["\n```", "<｜tool▁call▁end｜>"],
        },
    };

    /// <summary>DeepSeek V3.1: the name, then JSON, all between special tokens.</summary>
    public static ToolForm DeepSeekV31 { get; } = new()
    {
        Name = "deepseek-v3.1",
        Signs = [["<｜tool▁calls▁begin｜>"]],
        Openers = ["<｜tool▁calls▁begin｜>"],
        Beginnings = ["<｜tool▁call▁begin｜>"],
        Closer = "<｜tool▁calls▁end｜>",
        Syntax = new NamedJsonCall { Before = "<｜tool▁call▁begin｜>", Between = "<｜tool▁sep｜>", After = ["<｜tool▁call▁end｜>"] },
    };

    /// <summary>Functionary 3.2: every part of an answer says whom it is for, a tool or all.</summary>
    public static ToolForm FunctionaryRecipient { get; } = new()
    {
        Name = "functionary-3.2",
        Signs = [[">>>"]],
        OnlyIfShown = true,
        Openers = ["", ">>>"],
        Separator = ">>>",
        TextOpener = "all\n",
        Syntax = new NamedJsonCall { Between = "\n" },
    };

    /// <summary>Functionary 3.1: a tag that holds the name, and JSON behind it.</summary>
    public static ToolForm FunctionaryTagged { get; } = new()
    {
        Name = "functionary-3.1",
        Signs = [["<function="]],
        Openers = [""],
        Beginnings = ["<function="],
        Syntax = new NamedJsonCall { Before = "<function=", Between = ">", After = ["</function>"] },
    };

    /// <summary>GLM-4: the whole answer is a name and, on the next line, its arguments.</summary>
    public static ToolForm Glm4 { get; } = new()
    {
        Name = "glm-4",
        Signs = [["[gMASK]<sop>", "tools"], ["<|observation|>"]],
        OnlyIfShown = true,
        Openers = [""],
        Separator = "\n",
        Syntax = new NamedJsonCall { Between = "\n" },
    };

    /// <summary>Kimi K2: numbered names, then JSON, all between special tokens.</summary>
    public static ToolForm KimiK2 { get; } = new()
    {
        Name = "kimi-k2",
        Signs = [["<|tool_calls_section_begin|>"], ["<|im_middle|>", "tool_declare"]],
        Openers = ["<|tool_calls_section_begin|>"],
        Beginnings = ["<|tool_call_begin|>"],
        Closer = "<|tool_calls_section_end|>",
        Syntax = new NamedJsonCall
        {
            Before = "<|tool_call_begin|>functions.",
                Between = "<|tool_call_argument_begin|>", After = ["<|tool_call_end|>"], Numbered = true,
        },
    };

    /// <summary>Mistral since Small 3.2, Magistral, Ministral 3: the name and the arguments of each call behind special tokens.</summary>
    public static ToolForm MistralNamed { get; } = new()
    {
        Name = "mistral-named",
        Signs = [["[TOOL_CALLS]", "[ARGS]"]],
        Openers = ["[TOOL_CALLS]"],
        RepeatsOpener = true,
        Syntax = new NamedJsonCall { Between = "[ARGS]", IdOpener = "[CALL_ID]" },
    };
}
