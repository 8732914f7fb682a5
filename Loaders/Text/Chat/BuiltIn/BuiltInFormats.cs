namespace TinyMllm.Loaders.Text.Chat.BuiltIn;

/// <summary>The formats by name.</summary>
internal static class BuiltInFormats
{
    private static readonly Dictionary<string, BuiltInFormat> ByName = All().ToDictionary(format => format.Name);

    /// <summary>The format of a name, or null.</summary>
    public static BuiltInFormat? Find(string name) => ByName.GetValueOrDefault(name);

    /// <summary>Every name.</summary>
    public static IEnumerable<string> Names => ByName.Keys;

    private static IEnumerable<BuiltInFormat> All() =>
    [
        Tagged("chatml", "<|im_start|>", "\n", "<|im_end|>\n"),
        Tagged("phi4", "<|im_start|>", "<|im_sep|>", "<|im_end|>"),
        Tagged("llama3", "<|start_header_id|>", "<|end_header_id|>\n\n", "<|eot_id|>", trim: true),
        Tagged("granite", "<|start_of_role|>", "<|end_of_role|>", "<|end_of_text|>\n"),
        Tagged("phi3", "<|", "|>\n", "<|end|>\n"),
        Tagged("falcon3", "<|", "|>\n", "\n"),
        Tagged("zephyr", "<|", "|>\n", "<|endoftext|>\n"),
        Tagged("chatglm4", "<|", "|>\n", "") with { Prefix = "[gMASK]<sop>" },
        Tagged("chatglm3", "<|", "|>\n ", "") with { Prefix = "[gMASK]sop", Generation = "<|assistant|>" },
        Tagged("glmedge", "<|", "|>\n", "") with { Generation = "<|assistant|>" },
        Tagged("monarch", "", "\n", "</s>\n") with { Between = "<s>", Generation = "<s>assistant\n" },
        new()
        {
            Name = "kimi-k2", System = new("<|im_system|>system<|im_middle|>", "<|im_end|>"), User = new("<|im_user|>user<|im_middle|>", "<|im_end|>"),
            Assistant = new("<|im_assistant|>assistant<|im_middle|>", "<|im_end|>"), Generation = "<|im_assistant|>assistant<|im_middle|>",
        },
        new()
        {
            Name = "smolvlm", Prefix = "<|im_start|>", System = new("", "\n\n"), User = new("User: ", "<end_of_utterance>\n"),
            Assistant = new("Assistant: ", "<end_of_utterance>\n"), Generation = "Assistant:",
        },
        Llama2("llama2", new("", "\n")),
        Llama2("llama2-sys", new("<<SYS>>\n", "\n<</SYS>>\n\n")),
        Llama2("llama2-sys-bos", new("<<SYS>>\n", "\n<</SYS>>\n\n")) with { NextTurn = "<s>[INST] " },
        Llama2("llama2-sys-strip", new("<<SYS>>\n", "\n<</SYS>>\n\n", Trim: true)) with
        {
            User = new("", " [/INST]", Trim: true), Assistant = new("", "</s>", Trim: true),
        },
        Mistral("mistral-v1", " [INST] ", " [/INST]", new(" ", "</s>")),
        Mistral("mistral-v3", "[INST] ", "[/INST]", new(" ", "</s>", Trim: true)),
        Mistral("mistral-v3-tekken", "[INST]", "[/INST]", new("", "</s>")),
        new()
        {
            Name = "mistral-v7", System = new("[SYSTEM_PROMPT] ", "[/SYSTEM_PROMPT]"), User = new("[INST] ", "[/INST]"), Assistant = new(" ", "</s>"),
        },
        new()
        {
            Name = "mistral-v7-tekken", System = new("[SYSTEM_PROMPT]", "[/SYSTEM_PROMPT]"), User = new("[INST]", "[/INST]"), Assistant = new("", "</s>"),
        },
        new()
        {
            Name = "gemma", SystemJoin = "\n\n", System = new("", "", Trim: true), User = new("<start_of_turn>user\n", "<end_of_turn>\n", Trim: true),
            Assistant = new("<start_of_turn>model\n", "<end_of_turn>\n", Trim: true), Generation = "<start_of_turn>model\n",
        },
        new()
        {
            Name = "openchat", System = new("", "<|end_of_turn|>"), User = new("GPT4 Correct User: ", "<|end_of_turn|>"),
            Assistant = new("GPT4 Correct Assistant: ", "<|end_of_turn|>"), Generation = "GPT4 Correct Assistant:",
        },
        Vicuna("vicuna", new("", "\n\n")),
        Vicuna("vicuna-orca", new("SYSTEM: ", "\n")),
        new()
        {
            Name = "deepseek", System = new("", ""), User = new("### Instruction:\n", "\n"), Assistant = new("### Response:\n", "\n<|EOT|>\n"),
            Generation = "### Response:\n",
        },
        new()
        {
            Name = "deepseek2", System = new("", "\n\n"), User = new("User: ", "\n\n"), Assistant = new("Assistant: ", "<｜end▁of▁sentence｜>"),
            Generation = "Assistant:",
        },
        new()
        {
            Name = "deepseek3", System = new("", "\n\n"), User = new("<｜User｜>", ""), Assistant = new("<｜Assistant｜>", "<｜end▁of▁sentence｜>"),
            Generation = "<｜Assistant｜>",
        },
        new() { Name = "deepseek-ocr", System = new("", ""), User = new("", ""), Assistant = new("", "") },
        new()
        {
            Name = "minicpm", System = new("", "", Trim: true), User = new("<用户>", "<AI>", Trim: true), Assistant = new("", "", Trim: true),
        },
        new()
        {
            Name = "hunyuan-vl", Prefix = "<｜hy_begin▁of▁sentence｜>", System = new("", "<｜hy_place▁holder▁no▁3｜>"), User = new("", "<｜hy_User｜>"),
            Assistant = new("", "<｜hy_Assistant｜>"),
        },
    ];

    /// <summary>Formats that write the role's name between tags.</summary>
    private static BuiltInFormat Tagged(string name, string open, string close, string end, bool trim = false) => new()
    {
        Name = name,
        System = new($"{open}system{close}", end, trim),
        User = new($"{open}user{close}", end, trim),
        Assistant = new($"{open}assistant{close}", end, trim),
        Generation = $"{open}assistant{close}",
    };

    private static BuiltInFormat Llama2(string name, TurnFormat system) => new()
    {
        Name = name, Prefix = "[INST] ", NextTurn = "[INST] ", System = system, User = new("", " [/INST]"), Assistant = new("", "</s>"),
    };

    private static BuiltInFormat Mistral(string name, string open, string close, TurnFormat assistant) => new()
    {
        Name = name, Prefix = open, NextTurn = open, System = new("", "\n\n"), User = new("", close), Assistant = assistant,
    };

    private static BuiltInFormat Vicuna(string name, TurnFormat system) => new()
    {
        Name = name, System = system, User = new("USER: ", "\n"), Assistant = new("ASSISTANT: ", "</s>\n"), Generation = "ASSISTANT:",
    };
}
