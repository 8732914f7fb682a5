using TinyMllm.Engine;
using TinyMllm.Engine.Decoding;
using TinyMllm.Kernels.Elementwise;

namespace TinyMllm.Language.Families;

/// <summary>
/// Gemma 2 (arXiv:2408.00118): norms before and after each branch, every other layer windowed, scores and logits soft-capped.
/// </summary>
internal sealed class Gemma2 : LanguageFamily
{
    private const int WindowPeriod = 2;
    private const float DefaultScoreCap = 50, DefaultLogitCap = 30;

    /// <inheritdoc/>
    public override IReadOnlyList<string> Architectures => ["gemma2"];

    /// <inheritdoc/>
    public override DecoderPlan Plan(DecoderBuilder b)
    {
        var c = b.Config;
        var rotary = b.Rotary(RotaryPairing.HalfSplit);
        float scale = MathF.Sqrt(c.EmbeddingLength);

        // The 27B model divides by the width of a head in the stream, not by its key size.
        float attentionScale = c.Layers == 46 ? 1 / MathF.Sqrt((float)c.EmbeddingLength / c.Heads[0]) : 0;
        return b.RmsDecoder(i => new DecoderBlock
        {
            MixerNorm = b.RmsNorm(i, "attn_norm"),
            Mixer = b.Attention(i, new AttentionTraits
            {
                Rotary = rotary,
                Scale = attentionScale,
                SoftCap = c.AttentionSoftCap > 0 ? c.AttentionSoftCap : DefaultScoreCap,
                Window = c.IsWindowed(i, WindowPeriod) ? c.SlidingWindow : 0,
            }),
            MixerPostNorm = b.RmsNorm(i, "post_attention_norm"),
            FeedForwardNorm = b.RmsNorm(i, "ffn_norm"),
            FeedForward = b.GatedMlp(i, Activation.GeluTanh),
            FeedForwardPostNorm = b.RmsNorm(i, "post_ffw_norm"),
        }) with
        {
            EmbeddingScale = scale,
            PictureEmbeddingScale = scale,
            LogitSoftCap = c.LogitSoftCap > 0 ? c.LogitSoftCap : DefaultLogitCap,
        };
    }
}
