using TinyMllm.Engine;
using TinyMllm.Kernels.Elementwise;
using TinyMllm.Vision.Preprocessing;
using TinyMllm.Vision.Transformer;

namespace TinyMllm.Vision.Families;

/// <summary>
/// MobileVLM V2 (<c>ldpv2</c>): two matrices, 2×2 mean, and a depthwise 3×3 convolution as positional encoding added to it.
/// </summary>
internal sealed class MobileVlm2 : LlavaFamily
{
    private const int Pool = 2;

    private readonly Mlp _mlp;
    private readonly DepthwiseLayer _positionalEncoding;

    public MobileVlm2(VisionSource source)
        : base(source)
    {
        _mlp = source.Weights.Mlp("mm.model.mlp.0", "mm.model.mlp.2", Config.Width, Activation.GeluTanh);
        _positionalEncoding = new DepthwiseLayer(source.Weights, "mm.model.peg.0", _mlp.Outputs, stride: 1);
    }

    /// <inheritdoc/>
    public override int EmbeddingLength => _mlp.Outputs;

    /// <inheritdoc/>
    public override TokenGrid Tokens(PixelSize tile) => TokenGrid.Line(Grid(tile).Blocks(Pool).Count);

    /// <inheritdoc/>
    protected override void Project(Workspace workspace, Matrix patches, PatchGrid grid, Matrix embeddings)
    {
        using var frame = workspace.Frame();
        Matrix x = workspace.Rent(patches.Rows, _mlp.Outputs);
        Matrix pooled = workspace.RentDense(embeddings.Rows, _mlp.Outputs);
        _mlp.Forward(workspace, patches, x, add: false);
        // Not by the order of the sequence: llama.cpp's shifted output (class token last) pools across row ends.
        Rows.Mean(x, PatchOrder.Blocks(grid, Pool).Raster, pooled);
        _positionalEncoding.Forward(workspace, pooled, grid.Blocks(Pool), embeddings);
        Activations.Add(workspace, pooled, embeddings);
    }
}
