using TinyMllm.Engine;
using TinyMllm.Engine.Decoding;

namespace TinyMllm.Language;

/// <summary>What a family says about a file: the parts of the decoder in order. See <see cref="DecoderBuilder"/> for the recipes.</summary>
internal sealed record DecoderPlan
{
    /// <summary>The layers, first to last.</summary>
    public required BlockPlan[] Blocks { get; init; }

    /// <summary>Normalisation after the last layer.</summary>
    public required Recipe<INorm> OutputNorm { get; init; }

    /// <summary>Stream to vocabulary.</summary>
    public required Recipe<Linear> Output { get; init; }

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

/// <summary>One layer of a <see cref="DecoderPlan"/>, with the names of <see cref="DecoderBlock"/>.</summary>
internal sealed record BlockPlan
{
    /// <inheritdoc cref="DecoderBlock.MixerNorm"/>
    public required Recipe<INorm> MixerNorm { get; init; }

    /// <inheritdoc cref="DecoderBlock.Mixer"/>
    public required Recipe<ITokenMixer> Mixer { get; init; }

    /// <inheritdoc cref="DecoderBlock.MixerPostNorm"/>
    public Recipe<INorm>? MixerPostNorm { get; init; }

    /// <inheritdoc cref="DecoderBlock.FeedForwardNorm"/>
    public Recipe<INorm>? FeedForwardNorm { get; init; }

    /// <inheritdoc cref="DecoderBlock.FeedForward"/>
    public Recipe<IFeedForward>? FeedForward { get; init; }

    /// <inheritdoc cref="DecoderBlock.FeedForwardPostNorm"/>
    public Recipe<INorm>? FeedForwardPostNorm { get; init; }

    /// <inheritdoc cref="DecoderBlock.ResidualScale"/>
    public float ResidualScale { get; init; } = 1;

    /// <inheritdoc cref="DecoderBlock.PictureMixer"/>
    public Recipe<ITokenMixer>? PictureMixer { get; init; }

    /// <inheritdoc cref="DecoderBlock.PictureFeedForward"/>
    public Recipe<IFeedForward>? PictureFeedForward { get; init; }

    /// <summary>Reads the weights.</summary>
    public DecoderBlock Create() => new()
    {
        MixerNorm = MixerNorm(),
        Mixer = Mixer(),
        MixerPostNorm = MixerPostNorm?.Invoke(),
        FeedForwardNorm = FeedForwardNorm?.Invoke(),
        FeedForward = FeedForward?.Invoke(),
        FeedForwardPostNorm = FeedForwardPostNorm?.Invoke(),
        ResidualScale = ResidualScale,
        PictureMixer = PictureMixer?.Invoke(),
        PictureFeedForward = PictureFeedForward?.Invoke(),
    };
}
