using TinyMllm.Kernels.Resampling;

namespace TinyMllm.Kernels.Im2Col;

/// <summary>
/// Cuts square patches out of a picture so that the patch convolution (stride = kernel size) becomes one matrix product: a patch is a row
/// of <c>3·P²</c> floats in the order (ky, kx, channel), which is how the bytes already lie, so a patch is P contiguous copies.
/// </summary>
/// <remarks>Kernels stored (channel, ky, kx), as files have them, are brought into this order once at load.</remarks>
public static class PatchUnfolding
{
    /// <summary>
    /// Normalises patch (<paramref name="column"/>, <paramref name="row"/>) of <paramref name="picture"/> into <paramref name="patch"/>.
    /// </summary>
    public static void Unfold(PixelView picture, int column, int row, int patchSize, in PixelNormalization normalization, Span<float> patch)
    {
        int bytes = patchSize * PixelView.Channels;
        for (int ky = 0; ky < patchSize; ky++)
            normalization.Apply(picture.Row(row * patchSize + ky).Slice(column * bytes, bytes), patch.Slice(ky * bytes, bytes));
    }
}
