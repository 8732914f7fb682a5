using System.Runtime.CompilerServices;
using TinyMllm.Loaders.Images.Jpeg.Samples;

namespace TinyMllm.Loaders.Images.Jpeg.Entropy;

/// <summary>
/// Visits the blocks of a scan in their order (T.81, A.2) and the restart intervals between them (E.2.4). A picture is usually decoded once
/// per process, so the hot methods of this decoder ask to be optimised at their first call: that halves the time of a first large picture.
/// </summary>
internal static class ScanWalker
{
    /// <summary>Decodes one scan.</summary>
    /// <param name="file">The whole file.</param>
    /// <param name="position">First byte behind the scan header.</param>
    /// <param name="walk">What to visit.</param>
    /// <param name="decoder">The entropy decoder.</param>
    /// <returns>Where to look for the next marker.</returns>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static int Run<TDecoder>(ReadOnlySpan<byte> file, int position, ScanWalk walk, ref TDecoder decoder)
        where TDecoder : struct, IBlockDecoder, allows ref struct
    {
        (JpegFrame frame, JpegScan scan, int restartInterval) = (walk.Frame, walk.Scan, walk.RestartInterval);
        JpegComponent first = scan.Components[0].Component;
        (int across, int down) = walk.IsInterleaved ? (frame.McusAcross, frame.McusDown) : (first.BlocksAcross, first.BlocksDown);

        Begin(file, position, scan, ref decoder);
        int untilRestart = restartInterval, restarts = 0;
        for (int row = 0; row < down; row++)
        {
            walk.BeginRow(row);
            for (int column = 0; column < across; column++)
            {
                if (restartInterval > 0 && untilRestart-- == 0)
                {
                    Begin(file, SkipRestartMarker(file, decoder.Position, restarts++), scan, ref decoder);
                    untilRestart = restartInterval - 1;
                }

                if (decoder.IsOverrun)
                {
                    RequireMarker(file, decoder.Position);
                    frame.EndedEarly = true;
                    continue;
                }

                if (walk.IsInterleaved) DecodeMcu(frame, scan, column, row, ref decoder);
                else DecodeBlock(frame, scan.Components[0], column, row, ref decoder);
            }

            walk.EndRow(row, isLast: row == down - 1);
        }

        if (decoder.IsOverrun) RequireMarker(file, decoder.Position);
        frame.EndedEarly |= decoder.IsOverrun;
        return decoder.Position;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void DecodeMcu<TDecoder>(JpegFrame frame, JpegScan scan, int mcuColumn, int mcuRow, ref TDecoder decoder)
        where TDecoder : struct, IBlockDecoder, allows ref struct
    {
        foreach (ScanComponent component in scan.Components)
        {
            (int width, int height) = (component.Component.HorizontalFactor, component.Component.VerticalFactor);
            for (int y = 0; y < height; y++)
            {
                    for (int x = 0; x < width; x++)
                        DecodeBlock(frame, component, mcuColumn * width + x, mcuRow * height + y, ref decoder);
            }
        }
    }

    /// <summary>Sequential frames have the whole block at once and transform it while it is in the cache.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void DecodeBlock<TDecoder>(JpegFrame frame, ScanComponent scanned, int column, int row, ref TDecoder decoder)
        where TDecoder : struct, IBlockDecoder, allows ref struct
    {
        JpegComponent component = scanned.Component;
        if (frame.IsProgressive)
        {
            decoder.DecodeBlock(scanned, component.Block(column, row));
            return;
        }

        Span<short> block = stackalloc short[JpegComponent.BlockSize];
        block.Clear();
        int last = decoder.DecodeBlock(scanned, block);
        Span<byte> samples = component.Samples.AsSpan(component.SampleOffset(column, row));
        InverseDct.Transform(block, component.Quantization!, last, samples, component.Stride);
    }

    private static void Begin<TDecoder>(ReadOnlySpan<byte> file, int position, JpegScan scan, ref TDecoder decoder)
        where TDecoder : struct, IBlockDecoder, allows ref struct
    {
        foreach (ScanComponent component in scan.Components) (component.DcPrediction, component.DcContext) = (0, 0);
        decoder.Begin(file, position);
    }

    /// <summary>
    /// A segment that runs dry at a marker leaves the rest of its blocks as they are, which is what everybody's decoder does;
    /// one that runs dry because the file stops is a truncated file.
    /// </summary>
    private static void RequireMarker(ReadOnlySpan<byte> file, int position)
    {
        if (JpegMarker.Find(file, position) < 0)
            throw new ImageFormatException($"JPEG: the file ends at byte {file.Length}, within a scan");
    }

    /// <summary>Position behind RST<paramref name="number"/> mod 8; other bytes before it are passed over.</summary>
    private static int SkipRestartMarker(ReadOnlySpan<byte> file, int position, int number)
    {
        int at = JpegMarker.Find(file, position);
        int expected = JpegMarker.Restart0 + number % 8;
        if (at >= 0 && file[at + 1] == expected) return at + 2;
        throw new ImageFormatException(at < 0
            ? $"JPEG: the file ends before restart marker 0x{expected:X2}"
            : $"JPEG: marker 0x{file[at + 1]:X2} at byte {at}, expected restart marker 0x{expected:X2}");
    }
}

/// <summary>What a scan visits, and who is told of it.</summary>
/// <param name="Frame">The frame.</param>
/// <param name="Scan">The scan.</param>
/// <param name="RestartInterval">MCUs between restart markers; 0: none.</param>
/// <param name="Rows">Told of each row of MCUs whose samples are all there; null: nobody.</param>
/// <param name="Cancellation">Looked at after each row.</param>
internal sealed record ScanWalk(JpegFrame Frame, JpegScan Scan, int RestartInterval, JpegRows? Rows, CancellationToken Cancellation)
{
    /// <summary>A scan of one component has its own blocks only; one of several goes by MCUs, padding included.</summary>
    public bool IsInterleaved => Scan.Components.Length > 1;

    /// <summary>Rows of the walk that make a row of MCUs.</summary>
    private int RowsPerMcu => IsInterleaved ? 1 : Scan.Components[0].Component.VerticalFactor;

    public void BeginRow(int row)
    {
        if (row % RowsPerMcu == 0) Rows?.Begin(row / RowsPerMcu);
    }

    public void EndRow(int row, bool isLast)
    {
        Cancellation.ThrowIfCancellationRequested();
        if (isLast || row % RowsPerMcu == RowsPerMcu - 1) Rows?.End();
    }
}
