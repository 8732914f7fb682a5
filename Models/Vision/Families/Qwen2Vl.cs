using TinyMllm.Vision.Transformer;

namespace TinyMllm.Vision.Families;

/// <summary>Qwen2-VL (<c>qwen2vl_merger</c>): LayerNorm, quick-GELU, full attention.</summary>
internal sealed class Qwen2Vl(VisionSource source)
    : QwenFamily(source, new TransformerOptions { FeedForwardNamesMayBeSwapped = true }, MergerGelu(source), minTokens: 4);
