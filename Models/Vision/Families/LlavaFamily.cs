using TinyMllm.Engine;
using TinyMllm.Kernels.Elementwise;
using TinyMllm.Vision.Preprocessing;
using TinyMllm.Vision.Transformer;
using TinyMllm.Weights;

namespace TinyMllm.Vision.Families;

/// <summary>
/// What LLaVA's relatives share (<c>mlp</c>, <c>ldp</c>, <c>ldpv2</c>): a CLIP tower with class token or a SigLIP tower without, of which
/// the hidden states before the last block(s) are used; square pictures, or LLaVA-1.6's tiles.
/// </summary>
internal abstract class LlavaFamily : TransformerFamily
{
    protected LlavaFamily(VisionSource source, int blockSide = 1)
        : base(source, Options(source), blockSide)
    {
        Preprocessor = source.Metadata.TryGetInt32Array("clip.vision.image_grid_pinpoints", out int[]? sides) && sides.Length > 0
            ? new CandidateTiles(Config.ImageSize, Pinpoints(source, sides), Styles.BilinearStretch, Styles.BicubicPad, source.Rules)
            : new FixedSquare(Config.ImageSize, Styles.BicubicPadMean);
        Markers = new ImageMarkers { OverviewFirst = !source.Options.Follows(Quirks.OverviewLast) };
    }

    /// <inheritdoc/>
    public override Preprocessor Preprocessor { get; }

    /// <inheritdoc/>
    public override ImageMarkers Markers { get; }

    /// <summary>
    /// Elements 1 … n: all patches when the class token stands first; llama.cpp takes the same elements of a sequence that has it last.
    /// </summary>
    protected override int FirstOutput => Tower.ExtraElements;

    /// <summary>
    /// The hidden states that the projector reads, ascending: 0 = input of block 0, k = output of block k − 1. Empty: the last.
    /// </summary>
    protected static int[] FeatureLayers(VisionSource source)
    {
        if (!source.Metadata.TryGetInt32Array("clip.vision.feature_layer", out int[]? layers)) return [];
        layers = [.. layers.Distinct().Order()];
        if (layers.Length > 0 && (layers[0] < 0 || layers[^1] > source.Config.BlockCount))
            throw source.Metadata.Invalid("clip.vision.feature_layer", $"0 to {source.Config.BlockCount}");
        return layers;
    }

    private static TransformerOptions Options(VisionSource source) => new()
    {
        Blocks = BlocksToRun(source),
        ClassTokenFirst = !source.Options.Follows(Quirks.ClassTokenLast),
        FeedForwardNamesMayBeSwapped = true,
    };

    private static int BlocksToRun(VisionSource source)
    {
        int stored = source.Config.BlockCount;
        if (FeatureLayers(source) is { Length: > 0 } layers) return layers[^1];
        if (source.Options.BlockCount is { } wanted)
            return wanted >= 0 && wanted <= stored ? wanted : throw new ArgumentException($"{wanted} vision blocks wanted, the file has {stored}");
        return source.Options.Follows(Quirks.SkipLastBlock) || LastBlockIsPadding(source.Weights, stored) ? stored - 1 : stored;
    }

    /// <summary>
    /// Some converters (moondream2) append a copy of the last block, because llama.cpp leaves out the last one stored. Such a copy is not a
    /// block of the model.
    /// </summary>
    private static unsafe bool LastBlockIsPadding(ModelWeights weights, int stored)
    {
        if (stored < 2) return false;
        foreach (string name in new[] { "ln1.weight", "attn_out.weight" })
        {
            StoredTensor last = weights.Get($"v.blk.{stored - 1}.{name}"), before = weights.Get($"v.blk.{stored - 2}.{name}");
            if (last.Type != before.Type || last.ByteCount != before.ByteCount) return false;
            int length = checked((int)last.ByteCount);
            using TensorPin a = last.Pin(), b = before.Pin();
            if (!new ReadOnlySpan<byte>(a.Data, length).SequenceEqual(new ReadOnlySpan<byte>(b.Data, length))) return false;
        }

        return true;
    }

    private static PixelSize[] Pinpoints(VisionSource source, int[] sides)
    {
        int tile = source.Config.ImageSize;
        if (sides.Length % 2 != 0 || tile == 0 || sides.Any(side => side < tile || side > 64 * tile))
            throw source.Metadata.Invalid("clip.vision.image_grid_pinpoints", $"pairs of widths and heights of at least {tile} pixels");
        return [.. sides.Chunk(2).Select(pair => new PixelSize(pair[0], pair[1]))];
    }
}
