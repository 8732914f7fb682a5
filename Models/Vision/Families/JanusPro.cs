using TinyMllm.Engine;
using TinyMllm.Kernels.Elementwise;
using TinyMllm.Vision.Preprocessing;
using TinyMllm.Vision.Transformer;

namespace TinyMllm.Vision.Families;

/// <summary>
/// Janus-Pro (<c>janus_pro</c>): SigLIP-L on a square with grey padding, two matrices with the encoder's activation between.
/// </summary>
internal sealed class JanusPro : TransformerFamily
{
    private readonly Mlp _mlp;

    public JanusPro(VisionSource source)
        : base(source, new TransformerOptions())
    {
        _mlp = source.Weights.Mlp("mm.0", "mm.1", Config.Width, Config.Activation);
        Preprocessor = new FixedSquare(Config.ImageSize, Styles.BilinearPadGrey);
    }

    /// <inheritdoc/>
    public override Preprocessor Preprocessor { get; }

    /// <inheritdoc/>
    public override int EmbeddingLength => _mlp.Outputs;

    /// <inheritdoc/>
    protected override void Project(Workspace workspace, Matrix patches, PatchGrid grid, Matrix embeddings) =>
        _mlp.Forward(workspace, patches, embeddings, add: false);
}
