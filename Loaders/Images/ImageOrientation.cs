namespace TinyMllm.Loaders.Images;

/// <summary>
/// Where the stored rows and columns belong when the picture stands upright: the values of EXIF tag 0x0112 (EXIF 2.32, 4.6.4 A).
/// The name says which sides the first stored row and the first stored column are.
/// </summary>
public enum ImageOrientation
{
    /// <summary>Stored upright.</summary>
    TopLeft = 1,

    /// <summary>Mirrored left to right.</summary>
    TopRight = 2,

    /// <summary>Turned by 180°.</summary>
    BottomRight = 3,

    /// <summary>Mirrored top to bottom.</summary>
    BottomLeft = 4,

    /// <summary>Mirrored along the main diagonal.</summary>
    LeftTop = 5,

    /// <summary>Must be turned by 90° clockwise.</summary>
    RightTop = 6,

    /// <summary>Mirrored along the other diagonal.</summary>
    RightBottom = 7,

    /// <summary>Must be turned by 90° counter-clockwise.</summary>
    LeftBottom = 8,
}
