using TinyMllm.Kernels.Formats;
using TinyMllm.Kernels.MatMul;
using TinyMllm.Kernels.Quantization;

namespace TinyMllm.Engine;

/// <summary>A weight matrix in the panels that the kernels read, packed once at load.</summary>
internal sealed unsafe class PackedMatrix : IDisposable
{
    private const int PanelRows = 16;

    /// <summary>Panels that one task packs.</summary>
    private const int PanelsPerTask = 8;

    private readonly WeightMemory _panels;

    private PackedMatrix(PanelKernel kernel, int inputs, int outputs, bool hugePages)
    {
        Kernel = kernel;
        Inputs = inputs;
        Outputs = outputs;
        PanelBytes = kernel.PanelBytes(inputs);
        _panels = WeightMemory.Take(PanelBytes * PanelCount, hugePages);
    }

    public PanelKernel Kernel { get; }

    public int Inputs { get; }

    public int Outputs { get; }

    public int PanelCount => (Outputs + PanelRows - 1) / PanelRows;

    public long PanelBytes { get; }

    /// <exception cref="ObjectDisposedException">The matrix was disposed.</exception>
    public byte* Panels => _panels.Pointer;

    /// <summary>The panels for hints to the processor; null for a disposed matrix.</summary>
    public byte* PanelsHint => _panels.Hint;

    public long ByteCount => _panels.Length;

    /// <summary>Packs <paramref name="tensor"/> as <paramref name="options"/> say: as stored, requantised, or widened to float32; then lets its pages go.</summary>
    public static PackedMatrix Pack(WeightOptions options, StoredTensor tensor)
    {
        TensorType type = TargetType(options, tensor);
        var kernel = PanelKernel.For(type)!;
        var matrix = new PackedMatrix(kernel, tensor.Columns, tensor.Rows, options.HugePages);
        try
        {
            if (type == tensor.Type) matrix.PackStored(tensor);
            else matrix.PackConverted(tensor, type);
        }
        catch
        {
            matrix.Dispose();
            throw;
        }

        tensor.Release();
        return matrix;
    }

    public void Dispose() => _panels.Dispose();

    private static TensorType TargetType(WeightOptions options, StoredTensor tensor)
    {
        Format stored = Format.Find(tensor.Type)!;
        if (stored is { HasKernel: true, IsQuantized: false } && options.Requantize is { } wanted && Format.Find(wanted) is { CanRequantize: true } target
            && tensor.Columns % target.BlockLength == 0)
        {
            return wanted;
        }

        bool widen = stored.IsQuantized && options.Activations == ActivationPrecision.Float32;
        return widen || !stored.HasKernel ? TensorType.F32 : tensor.Type;
    }

    private void PackStored(StoredTensor tensor)
    {
        using var pin = tensor.Pin();
        byte* data = pin.Data;
        InParallel((first, end) =>
        {
            for (int p = first; p < end; p++)
            {
                byte* rows = data + (p * PanelRows * tensor.RowBytes);
                tensor.CheckRows(rows, p * PanelRows, RowsOf(p));
                Kernel.Pack(rows, tensor.RowBytes, RowsOf(p), Inputs, Panels + (p * PanelBytes));
            }
        });
    }

    private void PackConverted(StoredTensor tensor, TensorType type)
    {
        long rowBytes = type.ByteCount(Inputs);
        using var pin = tensor.Pin();
        byte* data = pin.Data;
        InParallel((first, end) =>
        {
            using var floats = new NativeBuffer<float>(Inputs);
            using var rows = new NativeBuffer<byte>(rowBytes * PanelRows);
            for (int p = first; p < end; p++)
            {
                tensor.CheckRows(data + (p * PanelRows * tensor.RowBytes), p * PanelRows, RowsOf(p));
                for (int r = 0; r < RowsOf(p); r++)
                {
                    var target = new Span<byte>(rows.Pointer + (r * rowBytes), checked((int)rowBytes));
                    tensor.DecodeRow((p * PanelRows) + r, floats.Span);
                    if (type == TensorType.F32) floats.Span.CopyTo(System.Runtime.InteropServices.MemoryMarshal.Cast<byte, float>(target));
                    else TensorCodec.Encode(type, floats.Span, target);
                }

                Kernel.Pack(rows.Pointer, rowBytes, RowsOf(p), Inputs, Panels + (p * PanelBytes));
            }
        });
    }

    private int RowsOf(int panel) => Math.Min(PanelRows, Outputs - (panel * PanelRows));

    /// <summary>Packing happens before there is a session and its pool, so that the runtime's own threads do it, a few panels at a time.</summary>
    private void InParallel(Action<int, int> pack)
    {
        int tasks = (PanelCount + PanelsPerTask - 1) / PanelsPerTask;
        if (tasks < 2) pack(0, PanelCount);
        else Parallel.For(0, tasks, task => pack(task * PanelsPerTask, Math.Min(PanelCount, (task + 1) * PanelsPerTask)));
    }
}
