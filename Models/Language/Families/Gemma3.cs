using TinyMllm.Engine;
using TinyMllm.Engine.Decoding;
using TinyMllm.Kernels.Elementwise;

namespace TinyMllm.Language.Families;

/// <summary>
/// Gemma 3 (arXiv:2503.19786): five windowed layers to one that sees everything, each kind with its own rotary base; heads normalised;
/// text times √n, pictures not (docs/models/text.md#gemma).
/// </summary>
internal sealed class Gemma3 : LanguageFamily
{
    private const int WindowPeriod = 6;

    /// <inheritdoc/>
    public override IReadOnlyList<string> Architectures => ["gemma3"];

    /// <inheritdoc/>
    public override DecoderPlan Plan(DecoderBuilder b)
    {
        var c = b.Config;
        var global = b.Rotary(RotaryPairing.HalfSplit);
        var windowed = b.Rotary(new RotaryTraits { Pairing = RotaryPairing.HalfSplit, Base = c.Rotary.WindowedBase, IsScaled = false });

        // The 27B model divides by the width of a head in the stream, not by its key size.
        float attentionScale = c.Layers == 62 ? 1 / MathF.Sqrt((float)c.EmbeddingLength / c.Heads[0]) : 0;
        return b.RmsDecoder(i => new DecoderBlock
        {
            MixerNorm = b.RmsNorm(i, "attn_norm"),
            Mixer = b.Attention(i, new AttentionTraits
            {
                Rotary = c.IsWindowed(i, WindowPeriod) ? windowed : global,
                Window = c.IsWindowed(i, WindowPeriod) ? c.SlidingWindow : 0,
                Norm = QueryKeyNorm.RmsPerHead,
                Scale = attentionScale,
            }),
            MixerPostNorm = b.RmsNorm(i, "post_attention_norm"),
            FeedForwardNorm = b.RmsNorm(i, "ffn_norm"),
            FeedForward = b.GatedMlp(i, Activation.GeluTanh),
            FeedForwardPostNorm = b.RmsNorm(i, "post_ffw_norm"),
        }) with
        {
            EmbeddingScale = MathF.Sqrt(c.EmbeddingLength),
            LogitSoftCap = c.LogitSoftCap,
        };
    }
}
