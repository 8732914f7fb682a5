using TinyMllm.Engine;
using TinyMllm.Kernels.Im2Col;
using TinyMllm.Vision.Transformer;
using TinyMllm.Weights;

namespace TinyMllm.Vision.Families;

/// <summary>A convolution over cells in row-major order, as a matrix product over unfolded windows.</summary>
internal sealed unsafe class ConvolutionLayer
{
    private readonly Linear _kernel;
    private readonly int _side, _channels, _stride, _padding;

    /// <summary>Takes <c>prefix.weight</c> [side, side, channels, outputs] and the optional bias.</summary>
    public ConvolutionLayer(ModelWeights weights, string prefix, int side, int channels, int stride)
    {
        _kernel = weights.Convolution(prefix, side, channels);
        (_side, _channels, _stride, _padding) = (side, channels, stride, side / 2);
    }

    /// <summary>Output channels.</summary>
    public int Outputs => _kernel.Outputs;

    /// <summary>The grid of the result.</summary>
    public PatchGrid OutputGrid(PatchGrid grid) => new((grid.Columns - 1) / _stride + 1, (grid.Rows - 1) / _stride + 1);

    /// <summary>Convolves; <paramref name="x"/> has dense rows.</summary>
    public void Forward(Workspace workspace, Matrix x, PatchGrid grid, Matrix y)
    {
        if (_side == 1 && _stride == 1)
        {
            _kernel.Forward(workspace, x, y);
            return;
        }

        using var frame = workspace.Frame();
        Matrix windows = workspace.Rent(y.Rows, _kernel.Inputs);
        var body = new Body { Layer = this, X = x, Windows = windows, Grid = grid, Columns = OutputGrid(grid).Columns };
        workspace.Pool.For(y.Rows, ref body);
        _kernel.Forward(workspace, windows, y);
    }

    private struct Body : IParallelBody
    {
        public ConvolutionLayer Layer;
        public Matrix X, Windows;
        public PatchGrid Grid;
        public int Columns;

        public readonly void Run(int index) => ConvolutionUnfolding.Unfold(new ReadOnlySpan<float>(X.Data, X.Rows * X.Columns), Grid.Columns, Grid.Rows,
            Layer._channels, index % Columns, index / Columns, Layer._side, Layer._stride, Layer._padding, Windows.RowSpan(index));
    }
}
