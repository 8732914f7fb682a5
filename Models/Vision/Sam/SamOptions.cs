using TinyMllm.Loaders.Gguf;

namespace TinyMllm.Vision.Sam;

/// <summary>Sizes of a SAM encoder.</summary>
/// <param name="Width">Features per patch.</param>
/// <param name="Heads">Attention heads.</param>
/// <param name="BlockCount">Blocks.</param>
/// <param name="Window">Side of the attention windows in patches.</param>
/// <param name="Epsilon">ε of the norms.</param>
internal sealed record SamOptions(int Width, int Heads, int BlockCount, int Window, float Epsilon)
{
    /// <summary>Features per head.</summary>
    public int HeadSize => Width / Heads;

    /// <summary>Reads the keys <c>clip.vision.sam.*</c>.</summary>
    public static SamOptions Read(GgufMetadata metadata, float epsilon)
    {
        const string prefix = "clip.vision.sam.";
        SamOptions options = new(
            VisionConfig.Positive(metadata, prefix + "embedding_length", 1 << 14),
            VisionConfig.Positive(metadata, prefix + "head_count", 1 << 10),
            VisionConfig.Positive(metadata, prefix + "block_count", 1 << 10),
            VisionConfig.Positive(metadata, "clip.vision.window_size", 1 << 10),
            epsilon);
        return options.Width % options.Heads == 0
            ? options
            : throw metadata.Invalid(prefix + "head_count", $"a divisor of the embedding length {options.Width}");
    }
}
