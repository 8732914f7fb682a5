using System.Runtime.InteropServices;
using TinyMllm.Engine;
using TinyMllm.Kernels.Quantization;
using TinyMllm.Loaders.Gguf;

namespace TinyMllm.Tests.Support;

/// <summary>A model in two files: its quantised matrices, the embedding included, in another type, and the same values in float32.</summary>
internal sealed class RetypedModel : IDisposable
{
    /// <param name="model">The model.</param>
    /// <param name="type">The type of all quantised matrices whose rows its blocks divide; random blocks where it cannot be written.</param>
    public RetypedModel(GgufFile model, TensorType type)
    {
        GgufWriter stored = new(), decoded = new();
        foreach ((string key, GgufValue value) in model.Metadata.Entries)
        {
            stored.Set(key, value);
            decoded.Set(key, value);
        }

        foreach (StoredTensor tensor in model.Tensors)
        {
            float[] values = new float[tensor.ElementCount];
            tensor.DecodeTo(values);
            bool retype = tensor.Type.IsQuantized() && tensor.Columns % type.BlockLength() == 0;
            TensorType target = retype ? type : TensorType.F32;
            byte[] blocks = new byte[target.ByteCount(values.Length)];
            RandomBlocks.Fill(target, values, blocks);
            TensorCodec.Decode(target, blocks, values);
            stored.Add(tensor.Name, target, [.. tensor.Dimensions], blocks);
            decoded.Add(tensor.Name, TensorType.F32, [.. tensor.Dimensions], MemoryMarshal.AsBytes(values.AsSpan()).ToArray());
            if (retype) Count++;
        }

        stored.Save(Stored);
        decoded.Save(Decoded);
    }

    /// <summary>The file in the other type.</summary>
    public string Stored { get; } = Path.GetTempFileName();

    /// <summary>The file in float32.</summary>
    public string Decoded { get; } = Path.GetTempFileName();

    /// <summary>Tensors in the other type.</summary>
    public int Count { get; }

    public void Dispose()
    {
        File.Delete(Stored);
        File.Delete(Decoded);
    }
}
