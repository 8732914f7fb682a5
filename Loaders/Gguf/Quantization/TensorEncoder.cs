using TinyMllm.Engine;
using TinyMllm.Kernels.Quantization;

namespace TinyMllm.Loaders.Gguf.Quantization;

/// <summary>Re-encodes tensors piece by piece, the pieces in order, the rows of a piece on all threads.</summary>
internal sealed unsafe class TensorEncoder(WorkerPool pool) : IDisposable
{
    /// <summary>Longest row; one row must fit in memory.</summary>
    public const int MaximumColumns = 1 << 27;

    /// <summary>Values of one thread's task: large enough to be worth a hand-over, small enough for the second-level cache.</summary>
    private const int TaskValues = 1 << 16;

    /// <summary>Values held in memory at a time.</summary>
    private const int PieceValues = 64 * TaskValues;

    private NativeBuffer<float> _values = new(PieceValues);
    private byte[] _blocks = [];

    /// <summary>Writes all rows of <paramref name="tensor"/> in <paramref name="type"/> to <paramref name="stream"/>.</summary>
    /// <exception cref="QuantizationException">A value is not finite.</exception>
    public void Encode(string path, StoredTensor tensor, TensorType type, Stream stream, CancellationToken cancellationToken)
    {
        int columns = tensor.Columns;
        if (columns == 0) return;
        if (columns > _values.Length) Grow(columns);
        int rowsPerTask = Math.Max(1, TaskValues / columns);
        int rowsPerPiece = Math.Max(1, (int)(_values.Length / columns));
        int rowBytes = checked((int)type.ByteCount(columns));
        if (_blocks.Length < (long)rowsPerPiece * rowBytes) _blocks = new byte[checked(rowsPerPiece * rowBytes)];

        using (TensorPin pin = tensor.Pin())
        {
            fixed (byte* blocks = _blocks)
            {
                for (int first = 0; first < tensor.Rows; first += rowsPerPiece)
                {
                    cancellationToken.ThrowIfCancellationRequested();
                    int rows = Math.Min(rowsPerPiece, tensor.Rows - first);
                    var task = new EncodeRows
                    {
                        From = tensor.Type,
                        To = type,
                        Columns = columns,
                        Rows = rows,
                        RowsPerTask = rowsPerTask,
                        Source = pin.Data + (first * tensor.RowBytes),
                        SourceRowBytes = (int)tensor.RowBytes,
                        Values = _values.Pointer,
                        Blocks = blocks,
                        RowBytes = rowBytes,
                        InvalidRow = int.MaxValue,
                    };
                    pool.For((rows + rowsPerTask - 1) / rowsPerTask, ref task);
                    if (task.InvalidRow < rows) throw new QuantizationException(path, tensor.Name, $"row {first + task.InvalidRow} holds NaN or infinity");
                    stream.Write(_blocks.AsSpan(0, rows * rowBytes));
                }
            }
        }

        tensor.Release();
    }

    public void Dispose() => _values.Dispose();

    private void Grow(int columns)
    {
        _values.Dispose();
        _values = new NativeBuffer<float>(columns);
    }

    private struct EncodeRows : IParallelBody
    {
        public TensorType From, To;
        public int Columns, Rows, RowsPerTask, SourceRowBytes, RowBytes, InvalidRow;
        public byte* Source, Blocks;
        public float* Values;

        public void Run(int index)
        {
            int end = Math.Min(Rows, (index + 1) * RowsPerTask);
            for (int row = index * RowsPerTask; row < end; row++)
            {
                var values = new Span<float>(Values + ((long)row * Columns), Columns);
                TensorCodec.Decode(From, new ReadOnlySpan<byte>(Source + ((long)row * SourceRowBytes), SourceRowBytes), values);
                if (RowValidation.IsFinite(values)) TensorCodec.Encode(To, values, new Span<byte>(Blocks + ((long)row * RowBytes), RowBytes));
                else LowerTo(ref InvalidRow, row);
            }
        }

        private static void LowerTo(ref int least, int row)
        {
            for (int seen = Volatile.Read(ref least); row < seen; seen = Volatile.Read(ref least))
                if (Interlocked.CompareExchange(ref least, row, seen) == seen) return;
        }
    }
}
