using TinyMllm.Engine;

namespace TinyMllm.Loaders.Gguf;

/// <summary>A tensor with NaN or an infinite number in it, which makes every result that depends on it NaN.</summary>
/// <param name="Tensor">The tensor.</param>
/// <param name="Block">The first such block; the first such value for plain types.</param>
public readonly record struct InvalidTensor(StoredTensor Tensor, long Block)
{
    /// <summary>Row of the block, an output of a matrix.</summary>
    public long Row => Block / Tensor.BlocksPerRow;

    /// <summary>One line that names tensor and block.</summary>
    public override string ToString() => $"{Subject}: found {Found}, expected finite numbers";

    internal string Subject => $"tensor {GgufFormatException.Quote(Tensor.Name)}";

    internal string Found => $"NaN or infinity in {(Tensor.BlocksPerRow == Tensor.Columns ? "value" : "block")} {Block} (row {Row})";
}
