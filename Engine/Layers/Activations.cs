using TinyMllm.Kernels.Elementwise;

namespace TinyMllm.Engine;

/// <summary>Activations and element-wise sums over whole matrices, rows spread over the pool.</summary>
public static unsafe class Activations
{
    private const int RowsPerTask = 8;

    private enum Operation
    {
        Apply,
        ApplyGated,
        Add,
        MultiplyByRow,
        Scale,
    }

    /// <summary>y = act(x); y may be x.</summary>
    public static void Apply(Workspace workspace, Activation activation, Matrix x, Matrix y) => Run(workspace, Operation.Apply, activation, x, default, y);

    /// <summary>y = act(gate) ⊙ up; y may be either.</summary>
    public static void ApplyGated(Workspace workspace, Activation activation, Matrix gate, Matrix up, Matrix y)
    {
        if (up.Rows != gate.Rows || up.Columns != gate.Columns)
            throw new ArgumentException($"gate is {gate.Rows}×{gate.Columns}, up is {up.Rows}×{up.Columns}");
        Run(workspace, Operation.ApplyGated, activation, gate, up, y);
    }

    /// <summary>y += scale · x.</summary>
    public static void Add(Workspace workspace, Matrix x, Matrix y, float scale = 1) => Run(workspace, Operation.Add, default, x, default, y, scale);

    /// <summary>y = x ⊙ w for every row of x; w is one row.</summary>
    public static void MultiplyByRow(Workspace workspace, Matrix x, Matrix w, Matrix y) => Run(workspace, Operation.MultiplyByRow, default, x, w, y);

    /// <summary>y = scale · x; y may be x.</summary>
    public static void Scale(Workspace workspace, Matrix x, float scale, Matrix y) => Run(workspace, Operation.Scale, default, x, default, y, scale);

    private static void Run(Workspace workspace, Operation operation, Activation activation, Matrix x, Matrix other, Matrix y, float scale = 1)
    {
        if (x.Rows != y.Rows || x.Columns != y.Columns)
            throw new ArgumentException($"cannot map {x.Rows}×{x.Columns} element by element to {y.Rows}×{y.Columns}");
        var body = new Body { Operation = operation, Activation = activation, X = x, Other = other, Y = y, Factor = scale };
        workspace.Pool.For((x.Rows + RowsPerTask - 1) / RowsPerTask, ref body);
    }

    private struct Body : IParallelBody
    {
        public Operation Operation;
        public Activation Activation;
        public Matrix X, Other, Y;
        public float Factor;

        public readonly void Run(int index)
        {
            int end = Math.Min(X.Rows, (index + 1) * RowsPerTask);
            for (int row = index * RowsPerTask; row < end; row++)
            {
                float* x = X.Row(row), y = Y.Row(row);
                switch (Operation)
                {
                    case Operation.Apply: ActivationKernels.Apply(Activation, x, y, X.Columns); break;
                    case Operation.ApplyGated: ActivationKernels.ApplyGated(Activation, x, Other.Row(row), y, X.Columns); break;
                    case Operation.Add: VectorKernels.AddScaled(x, Factor, y, X.Columns); break;
                    case Operation.MultiplyByRow: VectorKernels.Multiply(x, Other.Data, y, X.Columns); break;
                    default: VectorKernels.Scale(x, Factor, y, X.Columns); break;
                }
            }
        }
    }
}
