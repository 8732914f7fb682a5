using TinyMllm.Loaders.Images.Jpeg.Samples;

namespace TinyMllm.Loaders.Images.Jpeg;

/// <summary>
/// The end of the decoder's pipe: as soon as the samples of a row of MCUs are there, it interpolates and converts the picture's rows and
/// writes them. A row may need the samples below it, so the last one of each waits for the next.
/// </summary>
internal sealed class JpegRows
{
    /// <summary>Rows of MCUs that are held: the one that is being decoded and the one above.</summary>
    private const int Held = 2;

    private readonly JpegFrame _frame;
    private readonly JpegColourSpace _space;
    private readonly ImageCanvas _canvas;
    private readonly RowUpsampler[] _planes;
    private readonly byte[] _pixels;
    private readonly bool _holdsAll;
    private int _begun, _written;

    /// <param name="frame">The frame, its sizes set.</param>
    /// <param name="space">What the components mean.</param>
    /// <param name="canvas">Where rows go.</param>
    /// <param name="holdsAll">Holds the samples of the whole picture, for components that come one after the other.</param>
    public JpegRows(JpegFrame frame, JpegColourSpace space, ImageCanvas canvas, bool holdsAll)
    {
        (_frame, _space, _canvas, _holdsAll) = (frame, space, canvas, holdsAll);
        foreach (JpegComponent component in frame.Components) component.HoldSamples(holdsAll ? frame.McusDown : Math.Min(Held, frame.McusDown));
        _planes = [.. frame.Components.Select(component => new RowUpsampler(component, frame))];
        _pixels = new byte[frame.Width * JpegColour.BytesPerPixel];
    }

    /// <summary>Before the samples of a row of MCUs come. Rows come from the top down.</summary>
    public void Begin(int mcuRow)
    {
        _begun = mcuRow + 1;
        if (_holdsAll) return;
        foreach (JpegComponent component in _frame.Components) component.Forget(mcuRow * component.VerticalFactor, component.VerticalFactor);
    }

    /// <summary>The samples of the row that was begun last are there.</summary>
    public void End()
    {
        bool isLast = _begun == _frame.McusDown;
        int end = isLast ? _frame.Height : _begun * _frame.MaxVertical * JpegComponent.BlockSide - 1;
        for (; _written < end; _written++) Write(_written);
    }

    /// <summary>Writes what is left, decoded or not.</summary>
    public void Finish()
    {
        if (_begun > 0) End();
        while (_begun < _frame.McusDown)
        {
            Begin(_begun);
            End();
        }
    }

    private void Write(int y)
    {
        ReadOnlySpan<byte> first = _planes[0].Row(y);
        ReadOnlySpan<byte> second = _planes.Length > 1 ? _planes[1].Row(y) : default;
        ReadOnlySpan<byte> third = _planes.Length > 1 ? _planes[2].Row(y) : default;
        ReadOnlySpan<byte> fourth = _planes.Length > 3 ? _planes[3].Row(y) : default;
        JpegColour.Convert(_space, first, second, third, fourth, _pixels);
        _canvas.WriteRgba(y, _pixels);
    }
}
