using TinyMllm.Engine;
using TinyMllm.Kernels.Elementwise;
using TinyMllm.Vision.Preprocessing;
using TinyMllm.Vision.Transformer;

namespace TinyMllm.Vision.Families;

/// <summary>
/// Gemma 3 (<c>gemma3</c>): SigLIP, mean over n×n patches, RMS norm, one matrix that is stored transposed. Its tokens see each other in the
/// decoder.
/// </summary>
internal sealed class Gemma3 : TransformerFamily
{
    private readonly INorm _norm;
    private readonly Linear _projection;

    public Gemma3(VisionSource source)
        : base(source, new TransformerOptions { FeedForwardNamesMayBeSwapped = true }, source.Merge("clip.vision.projector.scale_factor", absent: 4))
    {
        _norm = source.Weights.Norm("mm.soft_emb_norm", Config.Width, NormKind.Rms, Config.Epsilon);
        _projection = source.Weights.TransposedLinear("mm.input_projection", Config.Width);
        Preprocessor = new FixedSquare(Config.ImageSize, Styles.BilinearPad);
    }

    /// <inheritdoc/>
    public override Preprocessor Preprocessor { get; }

    /// <inheritdoc/>
    public override ImageMarkers Markers { get; } = new() { Begin = "<start_of_image>", End = "<end_of_image>" };

    /// <inheritdoc/>
    public override int EmbeddingLength => _projection.Outputs;

    /// <inheritdoc/>
    public override bool NonCausal => true;

    /// <inheritdoc/>
    protected override void Project(Workspace workspace, Matrix patches, PatchGrid grid, Matrix embeddings)
    {
        using var frame = workspace.Frame();
        Matrix pooled = workspace.Rent(embeddings.Rows, Config.Width);
        Rows.Mean(patches, BlockSide * BlockSide, pooled);
        _norm.Forward(workspace, pooled, pooled);
        _projection.Forward(workspace, pooled, embeddings);
    }
}
