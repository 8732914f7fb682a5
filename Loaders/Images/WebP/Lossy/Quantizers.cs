namespace TinyMllm.Loaders.Images.WebP.Lossy;

/// <summary>Steps of a block's first coefficient and of the others.</summary>
internal readonly record struct QuantizerPair(int Dc, int Ac);

/// <summary>The steps of a segment (RFC 6386, 9.6 and 14.1).</summary>
/// <param name="Luma">Luma blocks.</param>
/// <param name="Second">The block of luma DC values.</param>
/// <param name="Chroma">Chroma blocks.</param>
internal readonly record struct Quantizers(QuantizerPair Luma, QuantizerPair Second, QuantizerPair Chroma)
{
    private const int LeastSecondAc = 8, MostChromaDcIndex = 117;

    public static Quantizers[] Create(LossyHeader header) => Array.ConvertAll(header.Segment, segment =>
    {
        int index = !header.HasSegments ? header.BaseQuantizer
            : header.HasAbsoluteSegments ? segment.Quantizer : header.BaseQuantizer + segment.Quantizer;
        return new Quantizers(
            new QuantizerPair(Dc(index + header.LumaDcDelta), Ac(index)),
            new QuantizerPair(Dc(index + header.SecondDcDelta) * 2, Math.Max(LeastSecondAc, Ac(index + header.SecondAcDelta) * 155 / 100)),
            new QuantizerPair(Dc(index + header.ChromaDcDelta, MostChromaDcIndex), Ac(index + header.ChromaAcDelta)));
    });

    private static int Dc(int index, int most = QuantizerTables.MostIndex) => QuantizerTables.Dc[Math.Clamp(index, 0, most)];

    private static int Ac(int index) => QuantizerTables.Ac[Math.Clamp(index, 0, QuantizerTables.MostIndex)];
}
