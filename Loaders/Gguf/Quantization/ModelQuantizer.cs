using TinyMllm.Engine;
using TinyMllm.Kernels.Quantization;
using TinyMllm.Loaders.Files;
using TinyMllm.Loaders.Gguf;

namespace TinyMllm.Loaders.Gguf.Quantization;

/// <summary>
/// Makes smaller GGUF files out of larger ones: text models and encoder (mmproj) files. Tensors pass one by one, in pieces of a few
/// megabytes, so that memory does not grow with the model. Single and split inputs are read; one file is written.
/// </summary>
public static class ModelQuantizer
{
    /// <summary>Quantises the model at <paramref name="input"/> to <paramref name="output"/>, which appears whole or not at all.</summary>
    /// <param name="input">A GGUF file, or the first part of a split one.</param>
    /// <param name="output">Path of the new file.</param>
    /// <param name="options">What to make, and how.</param>
    /// <param name="progress">Told of each tensor when it is done.</param>
    /// <param name="cancellationToken">Stops the work; nothing is left behind.</param>
    /// <returns>What became of each tensor, in the order of the output.</returns>
    /// <exception cref="GgufFormatException">The input is damaged.</exception>
    /// <exception cref="QuantizationException">A tensor is quantised already, of a type that cannot be read, or holds NaN or
    /// infinity.</exception>
    /// <exception cref="IOException">A file cannot be read or written, or the output is the input (or one of its parts, by whatever name)
    /// or no regular file.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public static IReadOnlyList<QuantizedTensor> Quantize(
        string input, string output, QuantizationOptions options, IProgress<QuantizedTensor>? progress = null, CancellationToken cancellationToken = default)
    {
        using var model = GgufFile.Open(input);
        string[] sources = [.. model.PartPaths];
        OutputFile.Check(output, sources);
        using var pool = new WorkerPool(options.Threads);
        using var encoder = new TensorEncoder(pool);
        var writer = new GgufWriter();
        CopyMetadata(model.Metadata, writer, options.Mix);

        var policy = new TensorTypePolicy(model, options.Mix, options.Pure);
        var done = new List<QuantizedTensor>(model.Tensors.Count);
        foreach (var tensor in TensorTypePolicy.Order(model.Tensors))
        {
            var type = policy.Choose(tensor);
            Check(model.Path, tensor, type, options);
            var result = new QuantizedTensor(
                done.Count, model.Tensors.Count, tensor.Name, tensor.Type, type, tensor.ByteCount, type.ByteCount(tensor.ElementCount));
            done.Add(result);
            if (type == tensor.Type)
            {
                writer.Add(tensor, () => progress?.Report(result));
                continue;
            }

            writer.Add(tensor.Name, type, tensor.Dimensions.ToArray(), (stream, token) =>
            {
                encoder.Encode(model.Path, tensor, type, stream, token);
                progress?.Report(result);
            });
        }

        writer.Save(output, sources, cancellationToken);
        return done;
    }

    private static void CopyMetadata(GgufMetadata metadata, GgufWriter writer, QuantizationMix mix)
    {
        foreach (var (key, value) in metadata.Entries)
            if (key is not (GgufSplit.NumberKey or GgufSplit.CountKey or GgufSplit.TensorCountKey)) writer.Set(key, value);
        writer.Set("general.quantization_version", GgufValue.From(2u));
        writer.Set("general.file_type", GgufValue.From((uint)mix));
    }

    private static void Check(string path, StoredTensor tensor, TensorType type, QuantizationOptions options)
    {
        if (type == tensor.Type) return;
        if (!TensorCodec.CanDecode(tensor.Type)) throw new QuantizationException(path, tensor.Name, $"its type {tensor.Type} cannot be read");
        if (tensor.Columns > TensorEncoder.MaximumColumns)
            throw new QuantizationException(path, tensor.Name, $"rows of {tensor.Columns} values are longer than {TensorEncoder.MaximumColumns}");
        if (tensor.Type.IsQuantized() && !options.AllowRequantize)
        {
            throw new QuantizationException(
                path, tensor.Name, $"it is quantised already ({tensor.Type}); start from F32, F16 or BF16, or allow requantising");
        }
    }
}
