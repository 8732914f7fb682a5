using System.Runtime.CompilerServices;

namespace TinyMllm.Loaders.Images.Jpeg.Entropy;

/// <summary>Sequential Huffman coding (T.81, F.2.2): DC difference, then runs of zeros and values until the block ends.</summary>
internal ref struct HuffmanSequential : IBlockDecoder
{
    private BitReader _reader;

    public readonly int Position => _reader.Position;

    public readonly bool IsOverrun => _reader.IsOverrun;

    public void Begin(ReadOnlySpan<byte> file, int position) => _reader = new BitReader(file, position);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public int DecodeBlock(ScanComponent component, scoped Span<short> block)
    {
        component.DcPrediction += DecodeDifference(ref _reader, component.DcHuffman!);
        block[0] = (short)component.DcPrediction;

        HuffmanTable table = component.AcHuffman!;
        ReadOnlySpan<byte> order = ZigZag.NaturalOrder;
        int last = 0;
        for (int k = 1; k < JpegComponent.BlockSize; k++)
        {
            _reader.Refill();
            int value;
            int whole = table.Whole[_reader.Peek(HuffmanTable.LookupBits)];
            if (whole != 0)
            {
                _reader.Consume(whole & 255);
                k += whole >> 8 & 15;
                value = whole >> 16;
            }
            else
            {
                int symbol = table.Decode(ref _reader);
                (int run, int size) = (symbol >> 4, symbol & 15);
                k += run;
                if (size == 0)
                {
                    if (run < 15) break;
                    continue;
                }

                value = _reader.TakeValue(size);
            }

            block[order[k]] = (short)value;
            last = k;
        }

        return last;
    }

    /// <summary>DIFF: a size, then that many bits (T.81, F.2.2.1).</summary>
    internal static int DecodeDifference(ref BitReader reader, HuffmanTable table)
    {
        reader.Refill();
        int size = table.Decode(ref reader);
        if (size > 15) throw new ImageFormatException($"JPEG: a DC difference of {size} bits");
        return size == 0 ? 0 : reader.TakeValue(size);
    }
}
