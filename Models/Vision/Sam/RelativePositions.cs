using TinyMllm.Engine;
using TinyMllm.Kernels.Elementwise;
using TinyMllm.Kernels.Resampling;
using TinyMllm.Weights;

namespace TinyMllm.Vision.Sam;

/// <summary>
/// SAM's decomposed relative positions, <c>score(q, k) = q·k/√d + q·Rh[yq − yk + n − 1] + q·Rw[xq − xk + n − 1]</c>, brought into the form
/// of plain attention: a query gets the 2n products q·Rh[…], q·Rw[…] as further features, a key gets ones at its own row and column. Then
/// <c>score = q′·k′</c>, and the attention kernel needs to know nothing.
/// </summary>
internal sealed unsafe class RelativePositions
{
    private readonly FloatWeights _rows, _columns;

    /// <summary>Takes <c>prefix.pos_h.weight</c> and <c>prefix.pos_w.weight</c>, [head size, 2n − 1].</summary>
    public RelativePositions(ModelWeights weights, string prefix, int headSize)
    {
        _rows = weights.Floats($"{prefix}.pos_h.weight", headSize, rows: 0);
        _columns = weights.Floats($"{prefix}.pos_w.weight", headSize, rows: 0);
    }

    /// <summary>Features of an extended head for windows of n×n cells.</summary>
    public static int ExtendedSize(int headSize, int side) => headSize + 2 * side;

    /// <summary>Extends queries and keys; row i stands for cell i of its window, row-major.</summary>
    /// <param name="workspace">Threads and scratch.</param>
    /// <param name="side">n: cells per side of the window.</param>
    /// <param name="heads">Heads.</param>
    /// <param name="query">[cells, heads · head size].</param>
    /// <param name="key">[cells, heads · head size].</param>
    /// <param name="extendedQuery">[cells, heads · <see cref="ExtendedSize"/>]; scaled by 1/√d.</param>
    /// <param name="extendedKey">[cells, heads · <see cref="ExtendedSize"/>].</param>
    public void Extend(Workspace workspace, int side, int heads, Matrix query, Matrix key, Matrix extendedQuery, Matrix extendedKey)
    {
        using var frame = workspace.Frame();
        var body = new Body
        {
            Rows = Fit(workspace, _rows.Values, side), Columns = Fit(workspace, _columns.Values, side), Side = side, Heads = heads,
            Query = query, Key = key, ExtendedQuery = extendedQuery, ExtendedKey = extendedKey,
        };
        workspace.Pool.For(query.Rows, ref body);
    }

    /// <summary>The table with 2n − 1 rows, resampled linearly if it has another number.</summary>
    private static Matrix Fit(Workspace workspace, Matrix table, int side)
    {
        int rows = 2 * side - 1;
        if (table.Rows == rows) return table;
        Matrix fitted = workspace.Rent(rows, table.Columns);
        for (int i = 0; i < rows; i++)
        {
            GridResampling.Sample<CentredLinear>(new ReadOnlySpan<float>(table.Data, table.Rows * table.Columns), 1, table.Rows, 0, i, 1, rows,
                fitted.RowSpan(i));
        }

        return fitted;
    }

    private struct Body : IParallelBody
    {
        public Matrix Rows, Columns, Query, Key, ExtendedQuery, ExtendedKey;
        public int Side, Heads;

        public readonly void Run(int index)
        {
            int size = Rows.Columns, extended = ExtendedSize(size, Side);
            int cell = index % (Side * Side), y = cell / Side, x = cell % Side;
            for (int head = 0; head < Heads; head++)
            {
                float* q = Query.Row(index) + head * size;
                float* to = ExtendedQuery.Row(index) + head * extended;
                VectorKernels.Scale(q, 1 / MathF.Sqrt(size), to, size);
                for (int other = 0; other < Side; other++)
                {
                    to[size + other] = VectorKernels.Dot(q, Rows.Row(y - other + Side - 1), size);
                    to[size + Side + other] = VectorKernels.Dot(q, Columns.Row(x - other + Side - 1), size);
                }

                var k = new Span<float>(ExtendedKey.Row(index) + head * extended, extended);
                k.Clear();
                new Span<float>(Key.Row(index) + head * size, size).CopyTo(k);
                k[size + y] = 1;
                k[size + Side + x] = 1;
            }
        }
    }
}
