using TinyMllm.Engine;
using TinyMllm.Kernels.Elementwise;
using TinyMllm.Kernels.Resampling;

namespace TinyMllm.Vision.Transformer;

/// <summary>
/// Learned position embeddings of a square grid of patches, added to patches of any grid (docs/models/vision.md#position-tables).
/// </summary>
internal sealed unsafe class PositionTable
{
    private readonly FloatWeights _rows;
    private readonly PositionFitting _fitting;
    private readonly int _side;
    private readonly int _classRow;

    /// <param name="rows">The table; with a class token one row more than patches.</param>
    /// <param name="fitting">How it is fitted to a grid.</param>
    /// <param name="classRow">The class token's row: 0, or the last one; −1 without class token.</param>
    public PositionTable(FloatWeights rows, PositionFitting fitting, int classRow)
    {
        (_rows, _fitting, _classRow) = (rows, fitting, classRow);
        Patches = rows.Rows - (classRow < 0 ? 0 : 1);
        _side = (int)Math.Sqrt(Patches);
    }

    /// <summary>Rows for patches.</summary>
    public int Patches { get; }

    /// <summary>Adds the class token's position to its row.</summary>
    public void AddToClassToken(Matrix token) => VectorKernels.AddScaled(_rows.Values.Row(_classRow), 1, token.Data, token.Columns);

    /// <summary>Adds to every patch the position it has in <paramref name="grid"/>.</summary>
    public void AddTo(Workspace workspace, Matrix patches, PatchGrid grid, ReadOnlySpan<int> order)
    {
        if (_fitting == PositionFitting.Exact && grid.Count != Patches)
            throw new ArgumentException($"a table of {Patches} positions does not fit {grid.Columns}×{grid.Rows} patches");
        using var frame = workspace.Frame();
        fixed (int* raster = order)
        {
            var body = new Body { Table = this, Patches = patches, Grid = grid, Order = raster, Sample = workspace.Rent(patches.Rows, patches.Columns) };
            workspace.Pool.For(patches.Rows, ref body);
        }
    }

    private void Add(Matrix patches, int element, PatchGrid grid, int raster, Span<float> sample)
    {
        (int row, int column) = (raster / grid.Columns, raster % grid.Columns);
        bool unchanged = _fitting == PositionFitting.Exact || (_fitting != PositionFitting.Buckets && grid.Columns == _side && grid.Rows == _side);
        int first = _classRow == 0 ? 1 : 0;
        float* position;
        if (unchanged)
        {
            position = _rows.Values.Row(first + raster);
        }
        else if (_fitting == PositionFitting.Buckets)
        {
            position = _rows.Values.Row(first + _side * row / grid.Rows * _side + _side * column / grid.Columns);
        }
        else
        {
            ReadOnlySpan<float> table = new(_rows.Values.Row(first), Patches * _rows.Columns);
            switch (_fitting)
            {
                case PositionFitting.AntialiasedLinear:
                    GridResampling.Sample<AntialiasedLinear>(table, _side, _side, column, row, grid.Columns, grid.Rows, sample);
                    break;
                case PositionFitting.CornerLinear:
                    GridResampling.Sample<CornerLinear>(table, _side, _side, column, row, grid.Columns, grid.Rows, sample);
                    break;
                default:
                    GridResampling.Sample<CentredCubic>(table, _side, _side, column, row, grid.Columns, grid.Rows, sample);
                    break;
            }

            fixed (float* sampled = sample) VectorKernels.AddScaled(sampled, 1, patches.Row(element), patches.Columns);
            return;
        }

        VectorKernels.AddScaled(position, 1, patches.Row(element), patches.Columns);
    }

    private struct Body : IParallelBody
    {
        public PositionTable Table;
        public Matrix Patches, Sample;
        public PatchGrid Grid;
        public int* Order;

        public readonly void Run(int index) => Table.Add(Patches, index, Grid, Order[index], Sample.RowSpan(index));
    }
}
