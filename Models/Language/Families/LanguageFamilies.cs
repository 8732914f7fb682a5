using System.Collections.Concurrent;

namespace TinyMllm.Language.Families;

/// <summary>All families by architecture.</summary>
internal static class LanguageFamilies
{
    private static readonly Dictionary<string, LanguageFamily> ByArchitecture = Index(
        new CogVlm(), new DeepSeek(), new DeepSeek2(), new Ernie45(), new Gemma(), new Gemma2(), new Gemma3(),
        new Glm(), new Gpt2(), new Granite(), new Hunyuan(), new Lfm2(), new Llama(), new Mamba(), new Mamba2(),
        new MiniCpm(), new Mistral3(), new Olmoe(), new Phi2(), new Phi3(), new PhiMoe(), new Qwen2(), new Qwen2Moe(),
        new Qwen3(), new Qwen35(), new SmolLm3(), new StableLm(), new StarCoder2());

    private static readonly ConcurrentDictionary<string, LanguageFamily> Added = new(StringComparer.Ordinal);

    /// <summary>Architectures that this library can run, sorted.</summary>
    public static IEnumerable<string> Architectures => ByArchitecture.Keys.Order(StringComparer.Ordinal);

    /// <summary>The same with those that the app has added.</summary>
    public static IEnumerable<string> Known => ByArchitecture.Keys.Concat(Added.Keys).Order(StringComparer.Ordinal);

    /// <summary>The family of an architecture, or null.</summary>
    public static LanguageFamily? Find(string architecture) =>
        ByArchitecture.GetValueOrDefault(architecture) ?? Added.GetValueOrDefault(architecture);

    /// <summary>Adds a family of the app.</summary>
    /// <exception cref="ArgumentException">Its architecture is known already.</exception>
    public static void Add(LanguageFamily family)
    {
        foreach (string architecture in family.Architectures)
        {
            if (ByArchitecture.ContainsKey(architecture) || !Added.TryAdd(architecture, family))
                throw new ArgumentException($"the architecture '{architecture}' is known already", nameof(family));
        }
    }

    private static Dictionary<string, LanguageFamily> Index(params ReadOnlySpan<LanguageFamily> families)
    {
        var index = new Dictionary<string, LanguageFamily>(StringComparer.Ordinal);
        foreach (var family in families)
            foreach (string architecture in family.Architectures) index.Add(architecture, family);
        return index;
    }
}
