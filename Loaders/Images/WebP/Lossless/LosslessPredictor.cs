namespace TinyMllm.Loaders.Images.WebP.Lossless;

/// <summary>
/// The predictor transform (WebP lossless specification, 4.1): every pixel is stored as its difference from one of 14 predictions.
/// </summary>
internal sealed class LosslessPredictor(int width, int blockBits, uint[] modes)
{
    private const uint OpaqueBlack = 0xFF000000;

    /// <summary>The row above, and behind it the first pixel of the current one, which the last column takes for the one above right.</summary>
    private readonly uint[] _above = new uint[width + 1];

    /// <summary>
    /// Undoes a row in place. The top row is predicted from the left, the left column from above, the first pixel as opaque black.
    /// </summary>
    public void UndoRow(Span<uint> row, int y)
    {
        row[0] = LosslessTransform.AddChannels(row[0], y == 0 ? OpaqueBlack : _above[0]);
        if (y == 0)
        {
            for (int x = 1; x < width; x++) row[x] = LosslessTransform.AddChannels(row[x], row[x - 1]);
        }
        else
        {
            _above[width] = row[0];
            ReadOnlySpan<uint> blocks = modes.AsSpan((y >> blockBits) * LosslessImageReader.Blocks(width, blockBits)), above = _above;
            for (int x = 1; x < width; x++)
            {
                uint predicted = Predict((int)(blocks[x >> blockBits] >> 8 & 15), row[x - 1], above[x], above[x + 1], above[x - 1]);
                row[x] = LosslessTransform.AddChannels(row[x], predicted);
            }
        }

        row.CopyTo(_above);
    }

    private static uint Predict(int mode, uint left, uint top, uint topRight, uint topLeft) => mode switch
    {
        1 => left,
        2 => top,
        3 => topRight,
        4 => topLeft,
        5 => Average(Average(left, topRight), top),
        6 => Average(left, topLeft),
        7 => Average(left, top),
        8 => Average(topLeft, top),
        9 => Average(top, topRight),
        10 => Average(Average(left, topLeft), Average(top, topRight)),
        11 => Select(left, top, topLeft),
        12 => ClampedGradient(left, top, topLeft),
        13 => ClampedHalfGradient(Average(left, top), topLeft),
        _ => OpaqueBlack,
    };

    /// <summary>Bytewise (a + b) / 2: what both have, and half of what one has.</summary>
    private static uint Average(uint a, uint b) => (a & b) + (((a ^ b) & 0xFEFEFEFE) >> 1);

    /// <summary>Left or top, whichever is nearer to left + top − top left, summed over the channels.</summary>
    private static uint Select(uint left, uint top, uint topLeft)
    {
        int fromLeft = 0, fromTop = 0;
        for (int shift = 0; shift < 32; shift += 8)
        {
            int corner = Channel(topLeft, shift);
            fromLeft += Math.Abs(Channel(top, shift) - corner);
            fromTop += Math.Abs(Channel(left, shift) - corner);
        }

        return fromLeft < fromTop ? left : top;
    }

    private static uint ClampedGradient(uint left, uint top, uint topLeft)
    {
        uint result = 0;
        for (int shift = 0; shift < 32; shift += 8)
            result |= (uint)Math.Clamp(Channel(left, shift) + Channel(top, shift) - Channel(topLeft, shift), 0, 255) << shift;
        return result;
    }

    private static uint ClampedHalfGradient(uint average, uint topLeft)
    {
        uint result = 0;
        for (int shift = 0; shift < 32; shift += 8)
        {
            int mean = Channel(average, shift);
            result |= (uint)Math.Clamp(mean + (mean - Channel(topLeft, shift)) / 2, 0, 255) << shift;
        }

        return result;
    }

    private static int Channel(uint pixel, int shift) => (int)(pixel >> shift & 0xFF);
}
