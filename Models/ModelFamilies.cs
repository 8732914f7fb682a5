using TinyMllm.Language.Families;
using TinyMllm.Vision.Families;

namespace TinyMllm;

/// <summary>
/// The model families that can be loaded, those of the app included. What is added holds for the whole process, and for models that are loaded
/// afterwards.
/// </summary>
public static class ModelFamilies
{
    /// <summary>Values of <c>general.architecture</c> that can be run, sorted.</summary>
    public static IReadOnlyList<string> Architectures => [.. LanguageFamilies.Known];

    /// <summary>Values of <c>clip.projector_type</c> that can be run, sorted.</summary>
    public static IReadOnlyList<string> ProjectorTypes => [.. FamilyTable.Known];

    /// <summary>Adds a text decoder of the usual form.</summary>
    /// <param name="architecture">The value of <c>general.architecture</c> in its files, and the prefix of their keys.</param>
    /// <param name="description">What its layers are.</param>
    /// <exception cref="ArgumentException">The architecture is known already.</exception>
    public static void AddLanguage(string architecture, DecoderDescription description)
    {
        ArgumentException.ThrowIfNullOrEmpty(architecture);
        ArgumentNullException.ThrowIfNull(description);
        LanguageFamilies.Add(new DescribedFamily(architecture, description));
    }

    /// <summary>Adds a text decoder that is stored as one that is known.</summary>
    /// <param name="architecture">The value of <c>general.architecture</c> in its files, and the prefix of their keys.</param>
    /// <param name="like">The known architecture.</param>
    /// <exception cref="ArgumentException">The architecture is known already, or the other is not.</exception>
    public static void AddLanguage(string architecture, string like)
    {
        ArgumentException.ThrowIfNullOrEmpty(architecture);
        LanguageFamily known = LanguageFamilies.Find(like) ?? throw new ArgumentException($"there is no architecture '{like}'", nameof(like));
        LanguageFamilies.Add(new AliasFamily(architecture, known));
    }

    /// <summary>Adds a picture encoder that is stored and used as one that is known.</summary>
    /// <param name="projectorType">The value of <c>clip.projector_type</c> in its files.</param>
    /// <param name="like">The known projector type.</param>
    /// <exception cref="ArgumentException">The projector type is known already, or the other is not.</exception>
    public static void AddVision(string projectorType, string like)
    {
        ArgumentException.ThrowIfNullOrEmpty(projectorType);
        ArgumentException.ThrowIfNullOrEmpty(like);
        FamilyTable.Add(projectorType, like);
    }
}
