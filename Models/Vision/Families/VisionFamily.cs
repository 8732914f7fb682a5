using TinyMllm.Engine;
using TinyMllm.Loaders.Gguf;
using TinyMllm.Vision.Preprocessing;
using TinyMllm.Vision.Transformer;
using TinyMllm.Weights;

namespace TinyMllm.Vision.Families;

/// <summary>What a family is made from: the file, its common keys, and the caller's wishes.</summary>
internal sealed record VisionSource(ModelWeights Weights, VisionConfig Config, VisionOptions Options)
{
    /// <summary>Metadata of the file.</summary>
    public GgufMetadata Metadata => Weights.Metadata;

    /// <summary>How sizes are computed and tiles decided on.</summary>
    public SizeRules Rules => Options.Follows(Quirks.Sizes) ? SizeRules.LlamaCpp : SizeRules.Original;

    /// <summary>The merge factor in <paramref name="key"/>.</summary>
    public int Merge(string key, int? absent = null) => VisionConfig.Positive(Metadata, key, 16, absent);

    /// <summary>Rotary embedding by row and column as the Qwen-VL encoders have it.</summary>
    public RotaryEmbedding VisionRotary() => RotaryEmbedding.VisionSections(RotaryHeadSize());

    /// <summary>Rotary embedding with adjacent pairs, half of a head for each axis.</summary>
    public RotaryEmbedding SplitRotary(bool interleaved) => RotaryEmbedding.Split2D(RotaryHeadSize(), 10000, interleaved);

    private int RotaryHeadSize() => Config.HeadSize % 4 == 0
        ? Config.HeadSize
        : throw Metadata.Invalid("clip.vision.attention.head_count", $"heads of a multiple of 4 features (embedding length {Config.Width})");

    /// <summary>The family's limits of tokens per picture, or the caller's, in pixels.</summary>
    public (long Min, long Max) PixelLimits(int minTokens, int maxTokens, int tokenSide)
    {
        long min = Options.MinImageTokens ?? minTokens, max = Options.MaxImageTokens ?? maxTokens;
        if (min < 1 || max < min) throw new ArgumentException($"image token limits {min} to {max}: expected 1 or more, in ascending order");
        return (min * tokenSide * tokenSide, max * tokenSide * tokenSide);
    }

    /// <summary>The limits of area in the file's keys, unless the caller gives limits in tokens.</summary>
    public (long Min, long Max) PixelLimitsFromKeys(int tokenSide)
    {
        long token = (long)tokenSide * tokenSide;
        long min = Options.MinImageTokens * token ?? VisionConfig.Positive(Metadata, "clip.vision.image_min_pixels", int.MaxValue);
        long max = Options.MaxImageTokens * token ?? VisionConfig.Positive(Metadata, "clip.vision.image_max_pixels", int.MaxValue);
        return max >= min ? (min, max) : throw new ArgumentException($"image area limits {min} to {max} pixels: expected ascending order");
    }
}

/// <summary>
/// A family of vision encoders: how its pictures are cut, what its transformer looks like, how patches become embeddings of the language
/// model, and what stands around them in the prompt.
/// </summary>
internal abstract class VisionFamily(VisionSource source)
{
    /// <summary>What the family was made from.</summary>
    protected VisionSource Source { get; } = source;

    /// <summary>Common keys.</summary>
    protected VisionConfig Config => Source.Config;

    /// <summary>Sizes and tiles.</summary>
    public abstract Preprocessor Preprocessor { get; }

    /// <summary>What stands around pictures in the prompt.</summary>
    public virtual ImageMarkers Markers => ImageMarkers.None;

    /// <summary>Columns of an embedding row.</summary>
    public abstract int EmbeddingLength { get; }

    /// <summary>
    /// How many rows of the language model's width an embedding row holds: 1, or more where some go to deeper layers.
    /// </summary>
    public virtual int EmbeddingSlices => 1;

    /// <summary>True if all tokens of a picture see each other in the language model.</summary>
    public virtual bool NonCausal => false;

    /// <summary>Transformer blocks per tile, for progress.</summary>
    public abstract int BlockCount { get; }

    /// <summary>The embeddings that a tile gives.</summary>
    public abstract TokenGrid Tokens(PixelSize tile);

    /// <summary>Computes them: [<see cref="TokenGrid.Count"/>, <see cref="EmbeddingLength"/>].</summary>
    public abstract void Encode(EncodePass pass, ImageTile tile, Matrix embeddings);

    /// <summary>The file lacks something, or has something that cannot be.</summary>
    protected UnsupportedModelException Unsupported(string reason) =>
        new($"{Source.Weights.Path}: projector type '{Config.ProjectorType}': {reason}");
}

/// <summary>A family with one plain vision transformer: patches in, patches out, then a projector.</summary>
internal abstract class TransformerFamily : VisionFamily
{
    /// <summary>Side of the blocks of patches that the projector reads together; they are contiguous in its input.</summary>
    protected int BlockSide { get; }

    /// <summary>The transformer.</summary>
    protected VisionTransformer Tower { get; }

    private readonly PatchEmbedding _patches;

    protected TransformerFamily(VisionSource source, TransformerOptions options, int blockSide = 1)
        : base(source)
    {
        BlockSide = blockSide;
        _patches = new PatchEmbedding(source.Weights, source.Config);
        Tower = new VisionTransformer(source.Weights, source.Config, options);
        if (options.Positions == PositionFitting.Exact && Tower.PositionCount > 0)
        {
            int side = source.Config.ImageSize / source.Config.PatchSize;
            if (side * side != Tower.PositionCount)
            {
                throw Unsupported($"tensor 'v.position_embd.weight': found {Tower.PositionCount} patch positions, "
                    + $"expected {side}×{side} for pictures of {source.Config.ImageSize} pixels");
            }

            if (side % blockSide != 0) throw Unsupported($"{side}×{side} patches do not divide into blocks of {blockSide}×{blockSide}");
        }
    }

    /// <inheritdoc/>
    public override int BlockCount => Tower.BlockCount;

    /// <summary>First element of the output that counts as a patch.</summary>
    protected virtual int FirstOutput => Tower.PatchOffset;

    /// <summary>The patches of a tile.</summary>
    protected PatchGrid Grid(PixelSize tile) => PatchGrid.Of(tile, Config.PatchSize);

    /// <inheritdoc/>
    public override TokenGrid Tokens(PixelSize tile) => TokenGrid.Line(Grid(tile).Blocks(BlockSide).Count);

    /// <inheritdoc/>
    public override void Encode(EncodePass pass, ImageTile tile, Matrix embeddings)
    {
        using var frame = pass.Workspace.Frame();
        PatchGrid grid = Grid(tile.Size);
        var order = PatchOrder.Blocks(grid, BlockSide);
        Matrix x = Embed(pass, tile, order);
        Sequence sequence = Tower.Begin(pass.Workspace, x, grid, order);
        Tower.RunBlocks(pass, x, sequence, 0, Tower.BlockCount);
        Tower.End(pass.Workspace, x);
        Project(pass.Workspace, x.Slice(FirstOutput, grid.Count), grid, embeddings);
    }

    /// <summary>The sequence with embedded patches in place, the class token's row (if any) undefined; dense rows.</summary>
    protected Matrix Embed(EncodePass pass, ImageTile tile, PatchOrder order)
    {
        Matrix x = pass.Workspace.RentDense(order.Raster.Length + Tower.ExtraElements, Config.Width);
        _patches.Forward(pass.Workspace, tile, order.Raster, x.Slice(Tower.PatchOffset, order.Raster.Length));
        return x;
    }

    /// <summary>Turns patches (dense rows, in blocks of <see cref="BlockSide"/>²) into embeddings.</summary>
    protected abstract void Project(Workspace workspace, Matrix patches, PatchGrid grid, Matrix embeddings);
}
