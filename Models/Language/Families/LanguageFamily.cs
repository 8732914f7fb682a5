namespace TinyMllm.Language.Families;

/// <summary>A family of text decoders: from the keys and tensor names of its GGUF files to the blocks of the engine.</summary>
internal abstract class LanguageFamily
{
    /// <summary>The values of <c>general.architecture</c> that belong to it.</summary>
    public abstract IReadOnlyList<string> Architectures { get; }

    /// <summary>ε of the norms for files that do not state it; null: they must.</summary>
    public virtual float? DefaultEpsilon(string architecture) => null;

    /// <summary>Describes the decoder of a file.</summary>
    /// <exception cref="UnsupportedModelException">A key or tensor is missing or wrong.</exception>
    public abstract DecoderPlan Plan(DecoderBuilder b);
}
