using TinyMllm.Engine;
using TinyMllm.Kernels.Elementwise;
using TinyMllm.Vision.Preprocessing;
using TinyMllm.Vision.Transformer;

namespace TinyMllm.Vision.Families;

/// <summary>
/// InternVL 2.5, 3, 3.5 (<c>internvl</c>): InternViT with class token and layer scales, pixel shuffle, norm, two matrices.
/// </summary>
internal sealed class InternVl : TransformerFamily
{
    private const float ProjectorEpsilon = 1e-5f;

    private readonly INorm _norm;
    private readonly Mlp _mlp;

    public InternVl(VisionSource source)
        : base(source, Options(source), source.Merge("clip.vision.projector.scale_factor"))
    {
        int inputs = Config.Width * BlockSide * BlockSide;
        _norm = source.Weights.Norm("mm.model.mlp.0", inputs, NormKind.Layer, ProjectorEpsilon);
        _mlp = source.Weights.Mlp("mm.model.mlp.1", "mm.model.mlp.3", inputs, Activation.GeluTanh);
        int max = VisionConfig.Positive(source.Metadata, "clip.vision.preproc_max_tiles", 64, absent: 12);
        int min = VisionConfig.Positive(source.Metadata, "clip.vision.preproc_min_tiles", max, absent: 1);
        int side = Config.ImageSize;
        Preprocessor = source.Rules.IsOriginal
            ? new ShapeTiles(side, min, max, Styles.BilinearStretch, Styles.BicubicPad)
            : new CandidateTiles(side, CandidateTiles.Arrangements(side, min, max), Styles.BilinearStretch, Styles.BicubicPad, source.Rules);
    }

    /// <inheritdoc/>
    public override Preprocessor Preprocessor { get; }

    /// <inheritdoc/>
    public override ImageMarkers Markers { get; } = new() { Begin = "<img>", End = "</img>" };

    /// <inheritdoc/>
    public override int EmbeddingLength => _mlp.Outputs;

    /// <inheritdoc/>
    protected override void Project(Workspace workspace, Matrix patches, PatchGrid grid, Matrix embeddings)
    {
        using var frame = workspace.Frame();
        Matrix shuffled = Rows.Concatenate(patches, BlockSide * BlockSide);
        _norm.Forward(workspace, shuffled, shuffled);
        _mlp.Forward(workspace, shuffled, embeddings, add: false);
    }

    private static TransformerOptions Options(VisionSource source) => new()
    {
        // InternViT-6B is the one with RMS norms.
        Norm = source.Config is { Width: 3200, BlockCount: 45 } ? NormKind.Rms : NormKind.Layer,
        ClassTokenFirst = !source.Options.Follows(Quirks.ClassTokenLast),
    };
}
