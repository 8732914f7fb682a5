using TinyMllm.Kernels.Quantization;

namespace TinyMllm.Engine;

/// <summary>Widening of stored tensors to float32.</summary>
public static unsafe class StoredTensorExtensions
{
    /// <summary>Decodes all values, rows in order, to <paramref name="target"/>.</summary>
    public static void DecodeTo(this StoredTensor tensor, Span<float> target)
    {
        if (target.Length < tensor.ElementCount)
            throw new ArgumentException($"{tensor.Name} has {tensor.ElementCount} values, the target holds {target.Length}", nameof(target));
        using var pin = tensor.Pin();
        var stored = new ReadOnlySpan<byte>(pin.Data, checked((int)tensor.ByteCount));
        TensorCodec.Decode(tensor.Type, stored, target[..checked((int)tensor.ElementCount)]);
        tensor.CheckRows(pin.Data, 0, tensor.Rows);
    }

    /// <summary>Decodes all values to a new buffer, which the caller owns.</summary>
    public static NativeBuffer<float> DecodeToBuffer(this StoredTensor tensor)
    {
        var buffer = new NativeBuffer<float>(tensor.ElementCount);
        tensor.DecodeTo(buffer.Span);
        return buffer;
    }

    /// <summary>Decodes row <paramref name="index"/> (of <see cref="StoredTensor.Rows"/>) to <paramref name="target"/>.</summary>
    public static void DecodeRow(this StoredTensor tensor, int index, Span<float> target)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)index, (uint)tensor.Rows, nameof(index));
        using var pin = tensor.Pin();
        var stored = new ReadOnlySpan<byte>(pin.Data + (index * tensor.RowBytes), checked((int)tensor.RowBytes));
        TensorCodec.Decode(tensor.Type, stored, target[..tensor.Columns]);
    }

    /// <summary>Slab <paramref name="index"/> along the last dimension, such as one expert of [inputs, outputs, experts].</summary>
    public static StoredTensor Slab(this StoredTensor tensor, int index)
    {
        int last = tensor.Dimensions.Count - 1;
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)index, (uint)tensor.Dimension(last), nameof(index));
        long[] dimensions = [.. tensor.Dimensions.Take(last)];
        long bytes = tensor.ByteCount / tensor.Dimension(last);
        return new TensorSlice(tensor, $"{tensor.Name}[{index}]", dimensions, index * bytes);
    }

    /// <summary>Rows <paramref name="first"/> … <paramref name="first"/> + <paramref name="count"/> − 1 of a matrix.</summary>
    public static StoredTensor RowRange(this StoredTensor tensor, int first, int count)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan((uint)first, (uint)tensor.Rows, nameof(first));
        ArgumentOutOfRangeException.ThrowIfGreaterThan((uint)count, (uint)(tensor.Rows - first), nameof(count));
        return new TensorSlice(tensor, $"{tensor.Name}[{first}..{first + count}]", [tensor.Columns, count], first * tensor.RowBytes);
    }

    /// <summary>Part of a tensor. It finds its bytes through the whole one each time, which may have been released and mapped anew.</summary>
    private sealed class TensorSlice(StoredTensor whole, string name, long[] dimensions, long offset) : StoredTensor(name, whole.Type, dimensions, null)
    {
        public override byte* Data => whole.Data + offset;

        internal override TensorPin Pin() => whole.Pin().At(offset);

        public override void Release() => whole.Release();

        internal override void NoteInvalid(long block) => whole.NoteInvalid((offset / Type.BlockBytes()) + block);
    }
}
