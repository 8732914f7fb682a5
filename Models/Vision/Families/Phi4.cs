using TinyMllm.Engine;
using TinyMllm.Kernels.Elementwise;
using TinyMllm.Vision.Preprocessing;
using TinyMllm.Vision.Transformer;

namespace TinyMllm.Vision.Families;

/// <summary>Phi-4 vision (<c>phi4</c>): SigLIP2 at dynamic resolution, two matrices.</summary>
internal sealed class Phi4 : TransformerFamily
{
    private readonly Mlp _mlp;

    public Phi4(VisionSource source)
        : base(source, new TransformerOptions { Positions = PositionFitting.AntialiasedLinear })
    {
        _mlp = source.Weights.Mlp("mm.0", "mm.2", Config.Width, Activation.GeluTanh);
        (long min, long max) = source.PixelLimitsFromKeys(Config.PatchSize);
        Preprocessor = new DynamicSize(Config.PatchSize, min, max, Styles.BilinearPad, source.Rules);
    }

    /// <inheritdoc/>
    public override Preprocessor Preprocessor { get; }

    /// <inheritdoc/>
    public override int EmbeddingLength => _mlp.Outputs;

    /// <inheritdoc/>
    protected override void Project(Workspace workspace, Matrix patches, PatchGrid grid, Matrix embeddings) =>
        _mlp.Forward(workspace, patches, embeddings, add: false);
}
