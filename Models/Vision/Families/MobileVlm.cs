using TinyMllm.Engine;
using TinyMllm.Kernels.Elementwise;
using TinyMllm.Vision.Preprocessing;
using TinyMllm.Vision.Transformer;
using TinyMllm.Weights;

namespace TinyMllm.Vision.Families;

/// <summary>
/// MobileVLM (<c>ldp</c>): two matrices, then two MobileNet blocks (depthwise 3×3, squeeze and excite, 1×1), the second with stride 2.
/// </summary>
internal sealed class MobileVlm : LlavaFamily
{
    private readonly Mlp _mlp;
    private readonly MobileBlock[] _blocks;

    public MobileVlm(VisionSource source)
        : base(source)
    {
        _mlp = source.Weights.Mlp("mm.model.mlp.1", "mm.model.mlp.3", Config.Width, Activation.GeluTanh);
        _blocks = [Block(1, stride: 1), Block(2, stride: 2)];

        MobileBlock Block(int number, int stride) =>
            new(source.Weights, $"mm.model.mb_block.{number}.block", _mlp.Outputs, stride, Config.Epsilon);
    }

    /// <inheritdoc/>
    public override int EmbeddingLength => _mlp.Outputs;

    /// <inheritdoc/>
    public override TokenGrid Tokens(PixelSize tile) => TokenGrid.Line(Grid(tile).Blocks(2).Count);

    /// <inheritdoc/>
    protected override void Project(Workspace workspace, Matrix patches, PatchGrid grid, Matrix embeddings)
    {
        using var frame = workspace.Frame();
        Matrix x = workspace.RentDense(patches.Rows, _mlp.Outputs);
        Matrix y = workspace.RentDense(patches.Rows, _mlp.Outputs);
        _mlp.Forward(workspace, patches, x, add: false);
        _blocks[0].Forward(workspace, x, grid, y);
        Activations.Add(workspace, x, y);
        _blocks[1].Forward(workspace, y, grid, embeddings);
    }

    /// <summary>LN(W·se(hardswish(LN(depthwise(x))))), where se scales each channel by what the channels' means say.</summary>
    private sealed class MobileBlock
    {
        private readonly DepthwiseLayer _depthwise;
        private readonly INorm _depthwiseNorm, _pointwiseNorm;
        private readonly Linear _squeeze, _excite, _pointwise;

        public MobileBlock(ModelWeights weights, string prefix, int width, int stride, float epsilon)
        {
            _depthwise = new DepthwiseLayer(weights, $"{prefix}.0.0", width, stride);
            _depthwiseNorm = weights.Norm($"{prefix}.0.1", width, NormKind.Layer, epsilon);
            _squeeze = weights.Linear($"{prefix}.1.fc1", width);
            _excite = weights.Linear($"{prefix}.1.fc2", _squeeze.Outputs, width);
            _pointwise = weights.Linear($"{prefix}.2.0", width, width);
            _pointwiseNorm = weights.Norm($"{prefix}.2.1", width, NormKind.Layer, epsilon);
        }

        public void Forward(Workspace workspace, Matrix x, PatchGrid grid, Matrix y)
        {
            using var frame = workspace.Frame();
            Matrix u = workspace.RentDense(y.Rows, y.Columns);
            _depthwise.Forward(workspace, x, grid, u);
            _depthwiseNorm.Forward(workspace, u, u);
            Activations.Apply(workspace, Activation.HardSwish, u, u);

            Matrix mean = workspace.Rent(1, u.Columns), small = workspace.Rent(1, _squeeze.Outputs), gate = workspace.Rent(1, u.Columns);
            Rows.Mean(u, u.Rows, mean);
            _squeeze.Forward(workspace, mean, small);
            Activations.Apply(workspace, Activation.Relu, small, small);
            _excite.Forward(workspace, small, gate);
            Activations.Apply(workspace, Activation.HardSigmoid, gate, gate);
            Activations.MultiplyByRow(workspace, u, gate, u);

            _pointwise.Forward(workspace, u, y);
            _pointwiseNorm.Forward(workspace, y, y);
        }
    }
}
