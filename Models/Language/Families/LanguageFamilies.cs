namespace TinyMllm.Language.Families;

/// <summary>All families by architecture.</summary>
internal static class LanguageFamilies
{
    private static readonly Dictionary<string, LanguageFamily> ByArchitecture = Index(new Llama());

    /// <summary>Architectures that can be run, sorted.</summary>
    public static IEnumerable<string> Architectures => ByArchitecture.Keys.Order(StringComparer.Ordinal);

    /// <summary>The family of an architecture, or null.</summary>
    public static LanguageFamily? Find(string architecture) => ByArchitecture.GetValueOrDefault(architecture);

    private static Dictionary<string, LanguageFamily> Index(params ReadOnlySpan<LanguageFamily> families)
    {
        var index = new Dictionary<string, LanguageFamily>(StringComparer.Ordinal);
        foreach (var family in families)
            foreach (string architecture in family.Architectures) index.Add(architecture, family);
        return index;
    }
}
