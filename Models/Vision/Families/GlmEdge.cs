using TinyMllm.Engine;
using TinyMllm.Kernels.Elementwise;
using TinyMllm.Vision.Preprocessing;
using TinyMllm.Vision.Transformer;
using TinyMllm.Weights;

namespace TinyMllm.Vision.Families;

/// <summary>
/// GLM-Edge-V (<c>adapter</c>): a 2×2 convolution, a matrix with norm, a gated layer, between learned begin and end embeddings.
/// </summary>
internal sealed class GlmEdge : TransformerFamily
{
    private readonly Linear _convolution, _linear;
    private readonly GatedMlp _gated;
    private readonly INorm _norm;
    private readonly FloatWeights _begin, _end;

    public GlmEdge(VisionSource source)
        : base(source, new TransformerOptions { FeedForwardNamesMayBeSwapped = true }, blockSide: 2)
    {
        ModelWeights weights = source.Weights;
        _convolution = weights.Convolution("adapter.conv", BlockSide, Config.Width);
        int width = _convolution.Outputs;
        _linear = weights.Linear("adapter.linear.linear", width, width);
        _norm = weights.Norm("adapter.linear.norm1", width, NormKind.Layer, Config.Epsilon);
        _gated = weights.GatedMlp("adapter.linear.gate", "adapter.linear.dense_h_to_4h", "adapter.linear.dense_4h_to_h", width, width, Activation.Silu);
        _begin = weights.Floats("adapter.boi", width);
        _end = weights.Floats("adapter.eoi", width);
        Preprocessor = new FixedSquare(Config.ImageSize, Styles.BilinearPad);
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
        int count = embeddings.Rows - 2;
        Matrix z = workspace.Rent(count, _linear.Inputs), normed = workspace.Rent(count, _linear.Outputs);
        _convolution.Forward(workspace, Rows.Concatenate(patches, BlockSide * BlockSide), z);
        _linear.Forward(workspace, z, normed);
        _norm.Forward(workspace, normed, normed);
        Activations.Apply(workspace, Activation.GeluTanh, normed, normed);
        _begin.Values.CopyTo(embeddings.Slice(0, 1));
        _gated.Forward(workspace, normed, embeddings.Slice(1, count), add: false);
        _end.Values.CopyTo(embeddings.Slice(count + 1, 1));
    }
}
