using TinyMllm.Kernels.Elementwise;
using TinyMllm.Loaders.Gguf;

namespace TinyMllm.Vision;

/// <summary>What the metadata of an mmproj file says about its vision encoder (docs/models/vision.md#metadata).</summary>
internal sealed record VisionConfig
{
    /// <summary><c>clip.projector_type</c>.</summary>
    public required string ProjectorType { get; init; }

    /// <summary>Features per patch, C.</summary>
    public required int Width { get; init; }

    /// <summary>Attention heads; C/heads features each.</summary>
    public required int Heads { get; init; }

    /// <summary>Transformer blocks stored in the file.</summary>
    public required int BlockCount { get; init; }

    /// <summary>ε of the encoder's norms.</summary>
    public required float Epsilon { get; init; }

    /// <summary>Side of the square picture or tile in pixels; 0 = dynamic.</summary>
    public required int ImageSize { get; init; }

    /// <summary>Side of a patch in pixels.</summary>
    public required int PatchSize { get; init; }

    /// <summary>Activation of the feed-forward layers.</summary>
    public required Activation Activation { get; init; }

    /// <summary>Mean per channel, 1 = white.</summary>
    public required float[] Mean { get; init; }

    /// <summary>Standard deviation per channel.</summary>
    public required float[] Std { get; init; }

    /// <summary>Features per attention head.</summary>
    public int HeadSize => Width / Heads;

    /// <summary>Reads the keys that all families share.</summary>
    /// <exception cref="GgufFormatException">A key is missing or has an impossible value.</exception>
    /// <exception cref="UnsupportedModelException">The file holds no vision encoder.</exception>
    public static VisionConfig Read(GgufMetadata metadata)
    {
        if (!metadata.GetBoolean("clip.has_vision_encoder", false))
        {
            string architecture = metadata.GetString("general.architecture", "none")!;
            throw new UnsupportedModelException(
                $"{metadata.Path}: key 'clip.has_vision_encoder': found architecture '{architecture}', expected an mmproj file with a vision encoder");
        }

        string projector = metadata.GetString("clip.projector_type", "")!;
        if (projector.Length == 0) projector = metadata.GetString("clip.vision.projector_type");
        VisionConfig config = new()
        {
            ProjectorType = projector,
            Width = Positive(metadata, "clip.vision.embedding_length", 1 << 16),
            Heads = Positive(metadata, "clip.vision.attention.head_count", 1 << 12),
            BlockCount = Positive(metadata, "clip.vision.block_count", 1 << 12),
            Epsilon = metadata.GetSingle("clip.vision.attention.layer_norm_epsilon"),
            ImageSize = metadata.GetInt32("clip.vision.image_size", 0),
            PatchSize = Positive(metadata, "clip.vision.patch_size", 1 << 10),
            Activation = ReadActivation(metadata),
            Mean = Channels(metadata, "clip.vision.image_mean"),
            Std = Channels(metadata, "clip.vision.image_std"),
        };
        if (config.ImageSize is < 0 or > 1 << 14) throw metadata.Invalid("clip.vision.image_size", "0 to 16384 pixels");
        if (config.Width % config.Heads != 0)
            throw metadata.Invalid("clip.vision.attention.head_count", $"a divisor of the embedding length {config.Width}");
        return config;
    }

    /// <summary>A positive integer of at most <paramref name="limit"/>; required unless <paramref name="absent"/> is given.</summary>
    public static int Positive(GgufMetadata metadata, string key, int limit, int? absent = null)
    {
        int value = absent is { } fallback ? metadata.GetInt32(key, fallback) : metadata.GetInt32(key);
        return value > 0 && value <= limit ? value : throw metadata.Invalid(key, $"1 to {limit}");
    }

    private static Activation ReadActivation(GgufMetadata metadata)
    {
        bool gelu = metadata.GetBoolean("clip.use_gelu", false), silu = metadata.GetBoolean("clip.use_silu", false);
        if (gelu && silu) throw metadata.Invalid("clip.use_gelu", "not both clip.use_gelu and clip.use_silu");
        return gelu ? Activation.GeluTanh : silu ? Activation.Silu : Activation.GeluQuick;
    }

    private static float[] Channels(GgufMetadata metadata, string key)
    {
        float[] values = metadata.GetSingleArray(key);
        bool deviation = key.EndsWith("std", StringComparison.Ordinal);
        if (values.Length < 3 || values.Any(value => !float.IsFinite(value) || (deviation && value == 0)))
            throw metadata.Invalid(key, "three numbers" + (deviation ? ", none of them 0" : ""));
        return values[..3];
    }
}
