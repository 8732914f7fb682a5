namespace TinyMllm.Loaders.Images;

/// <summary>The one seam through which pictures come in: file bytes to pixels.</summary>
public interface IImageDecoder
{
    /// <summary>
    /// Decodes the first (or only) picture of a file. Implementations honour <see cref="ImageOptions.MaxPixels"/> before they allocate and
    /// <see cref="ImageOptions.AcceptTruncated"/>; orientation and alpha are the caller's job. Must be safe to call from several threads.
    /// </summary>
    /// <param name="file">The whole file.</param>
    /// <param name="options">What the user wants.</param>
    /// <returns>The pixels as stored, with the orientation beside them.</returns>
    /// <exception cref="ImageFormatException">The bytes are not a picture that this decoder reads.</exception>
    RgbaImage Decode(ReadOnlySpan<byte> file, ImageOptions options);
}
