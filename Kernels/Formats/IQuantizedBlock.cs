namespace TinyMllm.Kernels.Formats;

/// <summary>
/// One block of a quantised tensor, laid out as in a GGUF file. A tensor's row is a run of blocks; blocks never cross rows.
/// The methods are the definition of the format, one readable step after another in float32 (no fused multiply-add), and give the
/// same bits on every machine. Where a faster twin exists, it is held against these.
/// </summary>
/// <typeparam name="TBlock">The block itself.</typeparam>
internal interface IQuantizedBlock<TBlock>
    where TBlock : unmanaged, IQuantizedBlock<TBlock>
{
    /// <summary>Values per block.</summary>
    static abstract int Length { get; }

    /// <summary>Are all scales finite? Every pattern of the quants is valid.</summary>
    bool IsValid { get; }

    /// <summary>Gives back <see cref="Length"/> values.</summary>
    void Decode(Span<float> values);
}

/// <summary>A block that this library can write too.</summary>
/// <typeparam name="TBlock">The block itself.</typeparam>
internal interface IEncodableBlock<TBlock> : IQuantizedBlock<TBlock>
    where TBlock : unmanaged, IEncodableBlock<TBlock>
{
    /// <summary>Quantises <see cref="IQuantizedBlock{TBlock}.Length"/> values. Every byte of the block is written.</summary>
    static abstract void Encode(ReadOnlySpan<float> values, ref TBlock block);

    /// <summary>Quantises one block after the other, as fast as it can; the same bytes as <see cref="Encode"/> for finite values.</summary>
    static virtual void EncodeRun(ReadOnlySpan<float> values, Span<TBlock> blocks)
    {
        for (int b = 0; b < blocks.Length; b++) TBlock.Encode(values.Slice(b * TBlock.Length, TBlock.Length), ref blocks[b]);
    }
}
