using System.Collections.Concurrent;

namespace TinyMllm.Vision.Families;

/// <summary>Projector types and the families that read them.</summary>
internal static class FamilyTable
{
    private static readonly Dictionary<string, Func<VisionSource, VisionFamily>> Families = new()
    {
        ["adapter"] = source => new GlmEdge(source),
        ["cogvlm"] = source => new CogVlm(source),
        ["deepseekocr"] = source => new DeepSeekOcr(source),
        ["gemma3"] = source => new Gemma3(source),
        ["idefics3"] = source => new Idefics3(source),
        ["internvl"] = source => new InternVl(source),
        ["janus_pro"] = source => new JanusPro(source),
        ["kimivl"] = source => new KimiVl(source),
        ["ldp"] = source => new MobileVlm(source),
        ["ldpv2"] = source => new MobileVlm2(source),
        ["lfm2"] = source => new Lfm2(source),
        ["minicpmv4_6"] = source => new MiniCpm46(source),
        ["lightonocr"] = source => new Pixtral(source),
        ["mlp"] = source => new Llava(source),
        ["paddleocr"] = source => new PaddleOcr(source),
        ["phi4"] = source => new Phi4(source),
        ["pixtral"] = source => new Pixtral(source),
        ["qwen2.5vl_merger"] = source => new Qwen25Vl(source),
        ["qwen2vl_merger"] = source => new Qwen2Vl(source),
        ["qwen3vl_merger"] = source => new Qwen3Vl(source),
        ["resampler"] = source => new MiniCpmResampler(source),
    };

    /// <summary>Known values of <c>clip.projector_type</c>.</summary>
    public static IReadOnlyCollection<string> Names => Families.Keys;

    private static readonly ConcurrentDictionary<string, string> Added = new(StringComparer.Ordinal);

    /// <summary>The same with those that the app has added, sorted.</summary>
    public static IEnumerable<string> Known => Families.Keys.Concat(Added.Keys).Order(StringComparer.Ordinal);

    /// <summary>Adds another name of a known family.</summary>
    /// <exception cref="ArgumentException">The name is known already, or the family is not.</exception>
    public static void Add(string name, string like)
    {
        string known = Added.GetValueOrDefault(like, like);
        if (!Families.ContainsKey(known)) throw new ArgumentException($"there is no projector type '{like}'", nameof(like));
        if (Families.ContainsKey(name) || !Added.TryAdd(name, known))
            throw new ArgumentException($"the projector type '{name}' is known already", nameof(name));
    }

    /// <summary>Builds the family of a file.</summary>
    /// <exception cref="UnsupportedModelException">There is none for its projector type.</exception>
    public static VisionFamily Create(VisionSource source)
    {
        if (Added.TryGetValue(source.Config.ProjectorType, out string? like)) source = source with { Config = source.Config with { ProjectorType = like } };
        if (Families.TryGetValue(source.Config.ProjectorType, out var create)) return create(source);
        string known = string.Join(", ", Known);
        throw new UnsupportedModelException(
            $"{source.Weights.Path}: key 'clip.projector_type': found '{source.Config.ProjectorType}', expected one of {known}");
    }
}
