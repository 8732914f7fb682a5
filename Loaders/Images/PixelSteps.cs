namespace TinyMllm.Loaders.Images;

/// <summary>
/// Where stored pixels lie in the upright picture. Each orientation is a transposition or none and mirrors one or both axes, so a step to
/// the next stored column or row is always the same step in the upright picture: ±1 or ± its width.
/// </summary>
/// <param name="First">Index of the first stored pixel.</param>
/// <param name="Column">Pixels from one stored column to the next.</param>
/// <param name="Row">Pixels from one stored row to the next.</param>
/// <param name="IsTransposed">Rows become columns.</param>
internal readonly record struct PixelSteps(int First, int Column, int Row, bool IsTransposed)
{
    /// <summary>Whether stored rows are rows of the upright picture as they are.</summary>
    public bool IsUpright => First == 0 && Column == 1 && !IsTransposed;

    /// <summary>The steps for a stored picture of this size.</summary>
    public static PixelSteps Of(ImageOrientation orientation, int width, int height)
    {
        bool isTransposed = orientation is >= ImageOrientation.LeftTop and <= ImageOrientation.LeftBottom;
        bool fromRight = orientation is ImageOrientation.TopRight or ImageOrientation.BottomRight
            or ImageOrientation.RightBottom or ImageOrientation.LeftBottom;
        bool fromBottom = orientation is ImageOrientation.BottomRight or ImageOrientation.BottomLeft
            or ImageOrientation.RightTop or ImageOrientation.RightBottom;

        (int column, int row) = isTransposed ? (height, 1) : (1, width);
        int first = (fromRight ? (width - 1) * column : 0) + (fromBottom ? (height - 1) * row : 0);
        return new PixelSteps(first, fromRight ? -column : column, fromBottom ? -row : row, isTransposed);
    }

    /// <summary>Index of a stored pixel in the upright picture.</summary>
    public int Index(int x, int y) => First + x * Column + y * Row;
}
