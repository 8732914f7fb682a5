namespace TinyMllm.Loaders.Images.Jpeg.Entropy;

/// <summary>One entropy coding procedure for blocks; the walk over blocks and restart intervals is <see cref="ScanWalker"/>'s.</summary>
internal interface IBlockDecoder
{
    /// <summary>Where to look for the marker that ends the segment.</summary>
    int Position { get; }

    /// <summary>Whether more was read than the segment holds.</summary>
    bool IsOverrun { get; }

    /// <summary>Starts at the first byte of a segment: after the scan header or a restart marker.</summary>
    void Begin(ReadOnlySpan<byte> file, int position);

    /// <summary>Decodes one block.</summary>
    /// <param name="component">Its component.</param>
    /// <param name="block">64 coefficients in natural order: zeros for a sequential frame, those of the scans before for a progressive
    /// one.</param>
    /// <returns>Zigzag index of the last coefficient that may differ from 0; only sequential frames use it.</returns>
    int DecodeBlock(ScanComponent component, scoped Span<short> block);
}
