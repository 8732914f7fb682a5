namespace TinyMllm.Loaders.Images.WebP.Lossy;

/// <summary>How strongly a macroblock's edges are smoothed (RFC 6386, 9.6 and 15.2).</summary>
/// <param name="Limit">Edge limit for inner edges, 0: no filter; the macroblock's own edges get 4 more.</param>
/// <param name="Interior">Most that neighbours on one side may differ.</param>
/// <param name="HighVariance">From which difference on an edge counts as detail.</param>
/// <param name="HasInner">Whether the edges between subblocks are filtered too.</param>
internal readonly record struct FilterStrength(int Limit, int Interior, int HighVariance, bool HasInner)
{
    private const int MostLevel = 63;

    public static FilterStrength Create(LossyHeader header, in Macroblock macroblock, bool hasCoefficients)
    {
        int level = header.FilterLevel;
        if (header.HasSegments)
        {
            int own = header.Segment[macroblock.Segment].FilterLevel;
            level = header.HasAbsoluteSegments ? own : level + own;
        }

        if (header.HasFilterDeltas) level += header.IntraFilterDelta + (macroblock.HasSubblocks ? header.SubblockFilterDelta : 0);
        level = Math.Clamp(level, 0, MostLevel);
        if (level == 0) return default;

        int interior = level;
        if (header.FilterSharpness > 0) interior = Math.Min(interior >> (header.FilterSharpness > 4 ? 2 : 1), 9 - header.FilterSharpness);
        interior = Math.Max(interior, 1);
        int highVariance = level >= 40 ? 2 : level >= 15 ? 1 : 0;
        return new FilterStrength(2 * level + interior, interior, highVariance, macroblock.HasSubblocks || hasCoefficients);
    }
}

/// <summary>
/// The loop filters (RFC 6386, 15). An edge runs between p0 and q0; across it the pixels are p3 p2 p1 p0 | q0 q1 q2 q3, a <c>step</c>
/// apart.
/// </summary>
internal static class LoopFilter
{
    private const int MacroblockEdgeExtra = 4;

    /// <summary>
    /// Filters the edges of a macroblock of the newest row: left, inner vertical, top, inner horizontal; the order matters.
    /// </summary>
    public static void Macroblock(FilteredPlane plane, int x, int size, FilterStrength strength, bool isSimple)
    {
        int y = plane.Newest;
        int stride = plane.Stride, at = plane.Offset(x, y);
        Span<byte> pixels = plane.Pixels;
        if (x > 0) Edge(pixels, at, 1, stride, size, strength, isSimple, isInner: false);
        if (strength.HasInner)
            for (int inner = 4; inner < size; inner += 4) Edge(pixels, at + inner, 1, stride, size, strength, isSimple, isInner: true);
        if (y > 0) Edge(pixels, at, stride, 1, size, strength, isSimple, isInner: false);
        if (strength.HasInner)
        {
                for (int inner = 4; inner < size; inner += 4)
                    Edge(pixels, at + inner * stride, stride, 1, size, strength, isSimple, isInner: true);
        }
    }

    private static void Edge(
        Span<byte> pixels, int at, int step, int along, int count, FilterStrength strength, bool isSimple, bool isInner)
    {
        int limit = 2 * (strength.Limit + (isInner ? 0 : MacroblockEdgeExtra)) + 1;
        for (int i = 0; i < count; i++, at += along)
        {
            if (isSimple)
            {
                if (IsSmooth(pixels, at, step, limit)) Narrow(pixels, at, step);
                continue;
            }

            if (!IsSmooth(pixels, at, step, limit) || !IsFlat(pixels, at, step, strength.Interior)) continue;
            bool isDetail = Difference(pixels, at - 2 * step, at - step) > strength.HighVariance
                || Difference(pixels, at + step, at) > strength.HighVariance;
            if (isDetail) Narrow(pixels, at, step);
            else if (isInner) Inner(pixels, at, step);
            else Wide(pixels, at, step);
        }
    }

    /// <summary>
    /// Whether the step across the edge is small enough to be an artefact: 4·|p0 − q0| + |p1 − q1| within the limit (both sides doubled).
    /// </summary>
    private static bool IsSmooth(Span<byte> pixels, int at, int step, int limit) =>
        4 * Difference(pixels, at - step, at) + Difference(pixels, at - 2 * step, at + step) <= limit;

    /// <summary>Whether each side is flat by itself.</summary>
    private static bool IsFlat(Span<byte> pixels, int at, int step, int interior) =>
        Difference(pixels, at - 4 * step, at - 3 * step) <= interior && Difference(pixels, at - 3 * step, at - 2 * step) <= interior
        && Difference(pixels, at - 2 * step, at - step) <= interior && Difference(pixels, at + step, at) <= interior
        && Difference(pixels, at + 2 * step, at + step) <= interior && Difference(pixels, at + 3 * step, at + 2 * step) <= interior;

    /// <summary>Moves p0 and q0, with p1 − q1 taken into account.</summary>
    private static void Narrow(Span<byte> pixels, int at, int step)
    {
        int a = 3 * (pixels[at] - pixels[at - step]) + Clamp8(pixels[at - 2 * step] - pixels[at + step]);
        Add(pixels, at - step, Clamp5(a + 3 >> 3));
        Add(pixels, at, -Clamp5(a + 4 >> 3));
    }

    /// <summary>Between subblocks: moves p1, p0, q0, q1.</summary>
    private static void Inner(Span<byte> pixels, int at, int step)
    {
        int a = 3 * (pixels[at] - pixels[at - step]);
        int q = Clamp5(a + 4 >> 3), p = Clamp5(a + 3 >> 3), outer = q + 1 >> 1;
        Add(pixels, at - 2 * step, outer);
        Add(pixels, at - step, p);
        Add(pixels, at, -q);
        Add(pixels, at + step, -outer);
    }

    /// <summary>Between macroblocks: moves three pixels on each side by about 3/7, 2/7 and 1/7 of the step.</summary>
    private static void Wide(Span<byte> pixels, int at, int step)
    {
        int a = Clamp8(3 * (pixels[at] - pixels[at - step]) + Clamp8(pixels[at - 2 * step] - pixels[at + step]));
        for (int i = 0, weight = 27; i < 3; i++, weight -= 9)
        {
            int change = weight * a + 63 >> 7;
            Add(pixels, at - (i + 1) * step, change);
            Add(pixels, at + i * step, -change);
        }
    }

    private static int Difference(Span<byte> pixels, int a, int b) => Math.Abs(pixels[a] - pixels[b]);

    private static int Clamp8(int value) => Math.Clamp(value, -128, 127);

    private static int Clamp5(int value) => Math.Clamp(value, -16, 15);

    private static void Add(Span<byte> pixels, int at, int change) => pixels[at] = (byte)Math.Clamp(pixels[at] + change, 0, 255);
}
