using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace TinyMllm.Loaders.Images.Jpeg.Samples;

/// <summary>
/// Brings a component's rows to the frame's resolution. Halved chroma is interpolated by the triangle filter that decoders agree on ("fancy
/// upsampling"): a pixel is ¾ its own sample and ¼ the next nearest one, along each halved axis. Other ratios repeat samples.
/// </summary>
internal sealed class RowUpsampler
{
    /// <summary>Vector loops may read and write this far behind the end of the buffers.</summary>
    private const int Slack = 16;

    /// <summary>Narrower components than this are repeated, not filtered, when halved horizontally; also a common convention.</summary>
    private const int NarrowestFiltered = 3;

    private readonly JpegComponent _component;
    private readonly int _maxHorizontal, _maxVertical;
    private readonly bool _filtersAcross, _filtersDown;

    /// <summary>Vertical sums of a row, with the first and last one repeated at the ends.</summary>
    private readonly ushort[] _sums = [];

    private readonly byte[] _row = [];

    public RowUpsampler(JpegComponent component, JpegFrame frame)
    {
        _component = component;
        (_maxHorizontal, _maxVertical) = (frame.MaxHorizontal, frame.MaxVertical);
        bool halfAcross = component.HorizontalFactor * 2 == _maxHorizontal, halfDown = component.VerticalFactor * 2 == _maxVertical;
        bool fullAcross = component.HorizontalFactor == _maxHorizontal, fullDown = component.VerticalFactor == _maxVertical;
        _filtersAcross = halfAcross && component.Width >= NarrowestFiltered && (fullDown || halfDown);
        _filtersDown = halfDown && (fullAcross || _filtersAcross);

        if (_filtersAcross) _sums = new ushort[component.Width + 2 + Slack];
        if (!fullAcross || _filtersDown) _row = new byte[Math.Max(frame.Width, 2 * component.Width) + 2 * Slack];
    }

    /// <summary>Row <paramref name="y"/> of the frame; valid until the next call.</summary>
    public ReadOnlySpan<byte> Row(int y)
    {
        if (_filtersDown)
        {
            int near = y / 2, far = Math.Clamp((y & 1) == 0 ? near - 1 : near + 1, 0, _component.Height - 1);
            if (_filtersAcross)
            {
                Blend(_component.Row(near), _component.Row(far), Sums);
                DoubleAcross(shift: 4, biasEven: 8, biasOdd: 7);
            }
            else
            {
                BlendRounded(_component.Row(near), _component.Row(far), _row, bias: (y & 1) == 0 ? 1 : 2);
            }

            return _row;
        }

        ReadOnlySpan<byte> samples = _component.Row(y * _component.VerticalFactor / _maxVertical);
        if (_component.HorizontalFactor == _maxHorizontal) return samples;
        if (_filtersAcross)
        {
            for (int x = 0; x < samples.Length; x++) _sums[x + 1] = samples[x];
            DoubleAcross(shift: 2, biasEven: 1, biasOdd: 2);
        }
        else
        {
            Repeat(samples);
        }

        return _row;
    }

    private Span<ushort> Sums => _sums.AsSpan(1, _component.Width);

    /// <summary>3·near + far.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Blend(ReadOnlySpan<byte> near, ReadOnlySpan<byte> far, Span<ushort> sums)
    {
        int x = 0;
        for (; x + 16 <= near.Length; x += 16)
            (Widen(near, x) * (ushort)3 + Widen(far, x)).CopyTo(sums[x..]);
        for (; x < near.Length; x++) sums[x] = (ushort)(near[x] * 3 + far[x]);
    }

    private static Vector256<ushort> Widen(ReadOnlySpan<byte> bytes, int at) =>
        Vector256.WidenLower(Vector128.Create(bytes.Slice(at, 16)).ToVector256Unsafe());

    private static void BlendRounded(ReadOnlySpan<byte> near, ReadOnlySpan<byte> far, Span<byte> row, int bias)
    {
        for (int x = 0; x < near.Length; x++) row[x] = (byte)(near[x] * 3 + far[x] + bias >> 2);
    }

    /// <summary>
    /// Each sum becomes two pixels, weighted 3:1 with its left and its right neighbour. The two biases differ so that rounding favours
    /// neither side. Even pixels are the low and odd ones the high bytes of 16-bit lanes, which are stored as they are.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void DoubleAcross(int shift, ushort biasEven, ushort biasOdd)
    {
        int width = _component.Width;
        (_sums[0], _sums[width + 1]) = (_sums[1], _sums[width]);
        Vector256<ushort> forEven = Vector256.Create(biasEven), forOdd = Vector256.Create(biasOdd);
        ReadOnlySpan<ushort> sums = _sums;
        Span<byte> row = _row;
        for (int x = 0; x < width; x += Slack)
        {
            Vector256<ushort> left = Vector256.Create(sums.Slice(x, 16)), right = Vector256.Create(sums.Slice(x + 2, 16));
            Vector256<ushort> own = Vector256.Create(sums.Slice(x + 1, 16)) * (ushort)3;
            Vector256<ushort> even = (own + left + forEven) >>> shift, odd = (own + right + forOdd) >>> shift;
            (even | odd << 8).AsByte().CopyTo(row[(2 * x)..]);
        }
    }

    private void Repeat(ReadOnlySpan<byte> samples)
    {
        int own = _component.HorizontalFactor, most = _maxHorizontal;
        int width = Math.Min(_row.Length, samples.Length * most / own);
        for (int x = 0; x < width; x++) _row[x] = samples[x * own / most];
    }
}
