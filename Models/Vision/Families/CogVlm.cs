using TinyMllm.Engine;
using TinyMllm.Kernels.Elementwise;
using TinyMllm.Vision.Preprocessing;
using TinyMllm.Vision.Prompting;
using TinyMllm.Vision.Transformer;

namespace TinyMllm.Vision.Families;

/// <summary>CogVLM (<c>cogvlm</c>): EVA-CLIP with norms behind the sublayers, a gated projector, between learned begin and end embeddings.</summary>
internal sealed class CogVlm : TransformerFamily
{
    private const float ProjectorEpsilon = 1e-5f;

    private readonly Linear _linear, _gateUp, _down;
    private readonly Norm _norm;
    private readonly Matrix _begin, _end;

    public CogVlm(VisionSource source)
        : base(source, new TransformerOptions { NormsBehind = true, ClassTokenFirst = !source.Options.Departs(Departures.ClassTokenLast) })
    {
        VisionWeights weights = source.Weights;
        _linear = weights.Linear("mm.model.fc", Config.Width);
        _norm = weights.Norm("mm.post_fc_norm", _linear.Outputs, NormKind.Layer, ProjectorEpsilon);
        int hidden = weights.Outputs("mm.gate");
        _gateUp = weights.Fuse(_linear.Outputs, hidden, "mm.gate", "mm.up");
        _down = weights.Linear("mm.down", hidden);
        _begin = weights.Floats("v.boi", _down.Outputs);
        _end = weights.Floats("v.eoi", _down.Outputs);
        Preprocessor = new FixedSquare(Config.ImageSize, Styles.BicubicPadMean);
    }

    /// <inheritdoc/>
    public override Preprocessor Preprocessor { get; }

    /// <inheritdoc/>
    public override int EmbeddingLength => _down.Outputs;

    /// <inheritdoc/>
    public override TokenGrid Tokens(PixelSize tile) => TokenGrid.Line(base.Tokens(tile).Count + 2);

    /// <inheritdoc/>
    protected override void Project(Workspace workspace, Matrix patches, PatchGrid grid, Matrix embeddings)
    {
        using var frame = workspace.Frame();
        Matrix z = workspace.Rent(patches.Rows, _linear.Outputs), hidden = workspace.Rent(patches.Rows, _gateUp.Outputs);
        _linear.Forward(workspace, patches, z);
        _norm.Forward(workspace, z, z);
        Activations.Apply(workspace, Activation.GeluTanh, z, z);
        _gateUp.Forward(workspace, z, hidden);
        Matrix gate = hidden.SliceColumns(0, _down.Inputs);
        Activations.ApplyGated(workspace, Activation.Silu, gate, hidden.SliceColumns(_down.Inputs, _down.Inputs), gate);
        _begin.CopyTo(embeddings.Slice(0, 1));
        _down.Forward(workspace, gate, embeddings.Slice(1, patches.Rows));
        _end.CopyTo(embeddings.Slice(patches.Rows + 1, 1));
    }
}
