namespace TinyMllm.Loaders.Hub;

/// <summary>Short names for good small models, so that nobody has to remember a repository.</summary>
public static class HubCatalog
{
    /// <summary>A short name and what it stands for.</summary>
    /// <param name="Name">The short name, <c>family:size</c>.</param>
    /// <param name="Reference">Repository and weight type.</param>
    /// <param name="About">One line for a list.</param>
    public sealed record Entry(string Name, HubReference Reference, string About);

    /// <summary>All short names, smallest model first within a family.</summary>
    public static IReadOnlyList<Entry> Entries { get; } =
    [
        new("smolvlm:256m", new("ggml-org/SmolVLM-256M-Instruct-GGUF", "Q8_0"), "the smallest useful one: captions, simple questions"),
        new("smolvlm:500m", new("ggml-org/SmolVLM-500M-Instruct-GGUF", "Q8_0"), "better answers at twice the work"),
        new("smolvlm:2.2b", new("ggml-org/SmolVLM-Instruct-GGUF", "Q4_K_M"), "the large SmolVLM"),
        new("smolvlm2:256m", new("ggml-org/SmolVLM2-256M-Video-Instruct-GGUF", "Q8_0"), "second generation, several pictures"),
        new("smolvlm2:500m", new("ggml-org/SmolVLM2-500M-Video-Instruct-GGUF", "Q8_0"), "second generation, several pictures"),
        new("smolvlm2:2.2b", new("ggml-org/SmolVLM2-2.2B-Instruct-GGUF", "Q4_K_M"), "second generation, large"),
        new("lfm2-vl:450m", new("LiquidAI/LFM2-VL-450M-GGUF", "Q8_0"), "very fast for its quality"),
        new("lfm2-vl:1.6b", new("LiquidAI/LFM2-VL-1.6B-GGUF", "Q4_0"), "fast, good captions"),
        new("internvl3:1b", new("ggml-org/InternVL3-1B-Instruct-GGUF", "Q8_0"), "documents and charts, tiles"),
        new("internvl3:2b", new("ggml-org/InternVL3-2B-Instruct-GGUF", "Q4_K_M"), "documents and charts, tiles"),
        new("qwen2-vl:2b", new("ggml-org/Qwen2-VL-2B-Instruct-GGUF", "Q4_K_M"), "reads text at any resolution"),
        new("qwen2.5-vl:3b", new("ggml-org/Qwen2.5-VL-3B-Instruct-GGUF", "Q4_K_M"), "reads text, finds objects"),
        new("qwen3-vl:2b", new("Qwen/Qwen3-VL-2B-Instruct-GGUF", "Q4_K_M"), "the best small reader of text"),
        new("gemma3:4b", new("ggml-org/gemma-3-4b-it-GGUF", "Q4_K_M"), "good conversation, one picture size"),
    ];

    /// <summary>Finds a short name, ignoring case; a family alone (<c>smolvlm</c>) means its smallest model.</summary>
    /// <param name="name">The name.</param>
    /// <returns>The entry, or null.</returns>
    public static Entry? Find(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        return Entries.FirstOrDefault(entry => entry.Name.Equals(name, StringComparison.OrdinalIgnoreCase))
            ?? Entries.FirstOrDefault(entry => entry.Name.StartsWith(name + ":", StringComparison.OrdinalIgnoreCase));
    }
}
