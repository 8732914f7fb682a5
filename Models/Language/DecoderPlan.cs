using TinyMllm.Engine;
using TinyMllm.Engine.Decoding;

namespace TinyMllm.Language;

/// <summary>A decoder as its family describes it: the layers in order, their weights not read yet, and the constants around them.</summary>
internal sealed record DecoderPlan
{
    /// <summary>The layers, first to last.</summary>
    public required DecoderBlock[] Blocks { get; init; }

    /// <summary>Normalisation after the last layer.</summary>
    public required INorm OutputNorm { get; init; }

    /// <summary>Stream to vocabulary.</summary>
    public required Linear Output { get; init; }

    /// <summary>Factor of text embeddings.</summary>
    public float EmbeddingScale { get; init; } = 1;

    /// <summary>Factor of picture embeddings.</summary>
    public float PictureEmbeddingScale { get; init; } = 1;

    /// <summary>Learned position embeddings that are added to the input (GPT-2); null = none.</summary>
    public StoredTensor? PositionEmbedding { get; init; }

    /// <summary>Factor of the logits.</summary>
    public float LogitScale { get; init; } = 1;

    /// <summary>c of c·tanh(logit/c); 0 = none.</summary>
    public float LogitSoftCap { get; init; }

    /// <summary>Whether a batch that wants fewer logits than it has rows gets those of its first rows; else those of its last.</summary>
    public bool LogitsOfFirstRows { get; init; }

    /// <summary>
    /// Further slices of a picture's embedding row, and before which layer (or, at the end, after the last) each is added; null = none.
    /// </summary>
    public DeepstackPlan? Deepstack { get; init; }
}

/// <summary>
/// Where further slices of a picture's embedding row enter (Qwen3-VL, Granite 4 Vision): <paramref name="SliceBefore"/>[layer] is the
/// slice that is added to the stream before that layer, −1 = none; one more entry than there are layers.
/// </summary>
/// <param name="Slices">Slices beside the input itself.</param>
/// <param name="SliceBefore">Slice per layer.</param>
internal sealed record DeepstackPlan(int Slices, int[] SliceBefore);
