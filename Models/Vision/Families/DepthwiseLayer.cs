using TinyMllm.Engine;
using TinyMllm.Kernels.Im2Col;
using TinyMllm.Vision.Transformer;
using TinyMllm.Weights;

namespace TinyMllm.Vision.Families;

/// <summary>A depthwise 3×3 convolution with padding 1 over cells in row-major order.</summary>
internal sealed unsafe class DepthwiseLayer
{
    private const int Kernel = 3, Padding = 1;

    private readonly FloatWeights _weights;
    private readonly FloatWeights? _bias;
    private readonly int _stride;

    /// <summary>Takes <c>prefix.weight</c> [3, 3, width] and the optional bias.</summary>
    public DepthwiseLayer(ModelWeights weights, string prefix, int width, int stride)
    {
        _weights = weights.DepthwiseKernel(prefix + ".weight", Kernel, width);
        _bias = weights.OptionalFloats(prefix + ".bias", width);
        _stride = stride;
    }

    /// <summary>Convolves; <paramref name="x"/> has dense rows.</summary>
    public void Forward(Workspace workspace, Matrix x, PatchGrid grid, Matrix y)
    {
        var body = new Body { Layer = this, X = x, Y = y, Grid = grid, Columns = (grid.Columns + _stride - 1) / _stride };
        workspace.Pool.For(y.Rows, ref body);
    }

    private struct Body : IParallelBody
    {
        public DepthwiseLayer Layer;
        public Matrix X, Y;
        public PatchGrid Grid;
        public int Columns;

        public readonly void Run(int index)
        {
            Span<float> cell = Y.RowSpan(index);
            if (Layer._bias is { } bias) bias.Span.CopyTo(cell);
            else cell.Clear();
            DepthwiseConvolution.Accumulate(new ReadOnlySpan<float>(X.Data, X.Rows * X.Columns), Grid.Columns, Grid.Rows, Layer._weights.Span,
                Kernel, Layer._stride, Padding, index % Columns, index / Columns, cell);
        }
    }
}
