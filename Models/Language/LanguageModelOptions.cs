using TinyMllm.Engine;

namespace TinyMllm.Language;

/// <summary>How a <see cref="LanguageModel"/> is loaded and run.</summary>
public sealed record LanguageModelOptions
{
    /// <summary>How weights are held and multiplied.</summary>
    public WeightOptions Weights { get; init; } = WeightOptions.Default;

    /// <summary>
    /// Tokens of context that sessions will have; 0 = what the model was trained for. It decides between the short and the long rotary
    /// factors of models with both (Phi-3), as in llama.cpp by the configured length and not by the position.
    /// </summary>
    public int Context { get; init; }

    /// <summary>
    /// Whose arithmetic is followed where llama.cpp departs from the original model; docs/fidelity.md lists the places.
    /// </summary>
    public Compatibility Compatibility { get; init; } = Compatibility.Original;

    /// <summary>
    /// Most rows of a prompt that pass through the layers at once; pictures that see themselves as a whole are never divided.
    /// </summary>
    public int ChunkLength { get; init; } = 512;
}
