namespace TinyMllm.Loaders.Text.Chat.BuiltIn;

/// <summary>Guesses a built-in format from the text of a template, by the pieces that it contains; the first match wins.</summary>
internal static class FormatDetection
{
    /// <summary>The format that the template seems to be, or null.</summary>
    public static BuiltInFormat? Detect(string template)
    {
        if (BuiltInFormats.Find(template.Trim()) is { } named) return named;
        bool Has(string piece) => template.Contains(piece, StringComparison.Ordinal);
        string? name = template switch
        {
            _ when Has("<|im_start|>") => Has("<|im_sep|>") ? "phi4" : Has("<end_of_utterance>") ? "smolvlm" : "chatml",
            _ when template.StartsWith("mistral", StringComparison.Ordinal) || Has("[INST]") => DetectInst(Has),
            _ when Has("<|assistant|>") && Has("<|end|>") => "phi3",
            _ when Has("[gMASK]<sop>") => "chatglm4",
            _ when Has("<|assistant|>") && Has("<|user|>") => Has("</s>") ? "falcon3" : "glmedge",
            _ when Has("<|{{ item['role'] }}|>") && Has("<|begin_of_image|>") => "glmedge",
            _ when Has("<|user|>") && Has("<|endoftext|>") => "zephyr",
            _ when Has("bos_token + message['role']") => "monarch",
            _ when Has("<start_of_turn>") => "gemma",
            _ when Has("GPT4 Correct ") => "openchat",
            _ when Has("USER: ") && Has("ASSISTANT: ") => Has("SYSTEM: ") ? "vicuna-orca" : "vicuna",
            _ when Has("### Instruction:") && Has("<|EOT|>") => "deepseek",
            _ when Has("<|start_header_id|>") && Has("<|end_header_id|>") => "llama3",
            _ when Has("[gMASK]sop") => "chatglm3",
            _ when Has("<用户>") => "minicpm",
            _ when Has("'Assistant: ' + message['content'] + eos_token") => "deepseek2",
            _ when Has("<｜Assistant｜>") && Has("<｜User｜>") && Has("<｜end▁of▁sentence｜>") => "deepseek3",
            _ when Has("<|start_of_role|>") => "granite",
            _ when Has("<｜hy_begin▁of▁sentence｜>") => "hunyuan-vl",
            _ when Has("<|im_middle|>") => "kimi-k2",
            _ => null,
        };
        return name is null ? null : BuiltInFormats.Find(name);
    }

    private static string DetectInst(Func<string, bool> has)
    {
        if (has("[SYSTEM_PROMPT]")) return "mistral-v7";
        if (has("' [INST] ' + system_message") || has("[AVAILABLE_TOOLS]"))
            return has(" [INST]") ? "mistral-v1" : has("\"[INST]\"") ? "mistral-v3-tekken" : "mistral-v3";
        if (has("content.strip()")) return "llama2-sys-strip";
        if (has("bos_token + '[INST]")) return "llama2-sys-bos";
        return has("<<SYS>>") ? "llama2-sys" : "llama2";
    }
}
