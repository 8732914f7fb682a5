using TinyMllm.Kernels;

namespace TinyMllm;

/// <summary>What a loaded model is.</summary>
/// <param name="Name"><c>general.name</c>, else the file's name.</param>
/// <param name="Architecture">The language model's architecture.</param>
/// <param name="Projector">The picture encoder's projector type, or null for a text model.</param>
/// <param name="Weights">Number of weights, picture encoder included.</param>
/// <param name="FileBytes">Length of the files.</param>
/// <param name="TrainingContext">Tokens of context that the model was trained for.</param>
/// <param name="Context">Tokens of context that conversations have here.</param>
/// <param name="VocabularySize">Tokens in the vocabulary.</param>
/// <param name="EmbeddingLength">Features of a token.</param>
/// <param name="Isa">The instruction set whose kernels compute.</param>
public sealed record ModelInfo(
    string Name, string Architecture, string? Projector, long Weights, long FileBytes, int TrainingContext, int Context,
        int VocabularySize, int EmbeddingLength, Isa Isa)
{
    /// <summary>
    /// What is wrong with the files but did not keep them from loading, a line each: special tokens beyond the vocabulary, a chat template
    /// that cannot be used, weights that are NaN or infinite among those that were packed. Show them to whoever chose the files.
    /// </summary>
    public IReadOnlyList<string> Warnings { get; init; } = [];
}
