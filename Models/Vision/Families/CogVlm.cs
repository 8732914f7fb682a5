using TinyMllm.Engine;
using TinyMllm.Kernels.Elementwise;
using TinyMllm.Vision.Preprocessing;
using TinyMllm.Vision.Transformer;
using TinyMllm.Weights;

namespace TinyMllm.Vision.Families;

/// <summary>
/// CogVLM (<c>cogvlm</c>): EVA-CLIP with norms behind the sublayers, a gated projector, between learned begin and end embeddings.
/// </summary>
internal sealed class CogVlm : TransformerFamily
{
    private const float ProjectorEpsilon = 1e-5f;

    private readonly Linear _linear;
    private readonly GatedMlp _gated;
    private readonly INorm _norm;
    private readonly FloatWeights _begin, _end;

    public CogVlm(VisionSource source)
        : base(source, new TransformerOptions { NormsBehind = true, ClassTokenFirst = !source.Options.Follows(Quirks.ClassTokenLast) })
    {
        ModelWeights weights = source.Weights;
        _linear = weights.Linear("mm.model.fc", Config.Width);
        _norm = weights.Norm("mm.post_fc_norm", _linear.Outputs, NormKind.Layer, ProjectorEpsilon);
        _gated = weights.GatedMlp("mm.gate", "mm.up", "mm.down", _linear.Outputs, outputs: 0, Activation.Silu);
        _begin = weights.Floats("v.boi", _gated.Outputs);
        _end = weights.Floats("v.eoi", _gated.Outputs);
        Preprocessor = new FixedSquare(Config.ImageSize, Styles.BicubicPadMean);
    }

    /// <inheritdoc/>
    public override Preprocessor Preprocessor { get; }

    /// <inheritdoc/>
    public override int EmbeddingLength => _gated.Outputs;

    /// <inheritdoc/>
    public override TokenGrid Tokens(PixelSize tile) => TokenGrid.Line(base.Tokens(tile).Count + 2);

    /// <inheritdoc/>
    protected override void Project(Workspace workspace, Matrix patches, PatchGrid grid, Matrix embeddings)
    {
        using var frame = workspace.Frame();
        Matrix z = workspace.Rent(patches.Rows, _linear.Outputs);
        _linear.Forward(workspace, patches, z);
        _norm.Forward(workspace, z, z);
        Activations.Apply(workspace, Activation.GeluTanh, z, z);
        _begin.Values.CopyTo(embeddings.Slice(0, 1));
        _gated.Forward(workspace, z, embeddings.Slice(1, patches.Rows), add: false);
        _end.Values.CopyTo(embeddings.Slice(patches.Rows + 1, 1));
    }
}
