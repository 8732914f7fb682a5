using TinyMllm.Engine;
using TinyMllm.Kernels.Im2Col;
using TinyMllm.Kernels.Resampling;
using TinyMllm.Vision.Preprocessing;
using TinyMllm.Weights;

namespace TinyMllm.Vision.Transformer;

/// <summary>The patch convolution as one matrix product: patches are cut out, normalised and multiplied with the kernel.</summary>
internal sealed unsafe class PatchEmbedding
{
    private readonly Linear _kernel;
    private readonly int _patchSize;
    private readonly PixelNormalization _normalization;

    /// <summary>Takes <c>prefix.weight</c> [P, P, 3, width], the optional second frame's <c>prefix.weight.1</c> and bias.</summary>
    public PatchEmbedding(ModelWeights weights, VisionConfig config, string prefix = "v.patch_embd", int width = 0)
    {
        string second = prefix + ".weight.1";
        _patchSize = config.PatchSize;
        _normalization = new PixelNormalization(config.Mean, config.Std);
        // A still picture is both frames of a video kernel, so that the two kernels add up to one.
        _kernel = weights.Convolution(prefix, _patchSize, 3, width > 0 ? width : config.Width, weights.Has(second) ? second : null);
    }

    /// <summary>Embeds the patches of <paramref name="tile"/> in the given order.</summary>
    /// <param name="workspace">Threads and scratch.</param>
    /// <param name="tile">The picture.</param>
    /// <param name="order">Row-major patch index for each row of <paramref name="patches"/>.</param>
    /// <param name="patches">[patches, width].</param>
    public void Forward(Workspace workspace, ImageTile tile, ReadOnlySpan<int> order, Matrix patches)
    {
        using var frame = workspace.Frame();
        Matrix unfolded = workspace.Rent(order.Length, _kernel.Inputs);
        byte* pixels = workspace.Rent<byte>(tile.ByteCount);
        tile.Render(new Span<byte>(pixels, tile.ByteCount));
        fixed (int* raster = order)
        {
            var body = new Body { Embedding = this, Pixels = pixels, Size = tile.Size, Order = raster, Unfolded = unfolded };
            workspace.Pool.For(order.Length, ref body);
        }

        _kernel.Forward(workspace, unfolded, patches);
    }

    private struct Body : IParallelBody
    {
        public PatchEmbedding Embedding;
        public byte* Pixels;
        public PixelSize Size;
        public int* Order;
        public Matrix Unfolded;

        public readonly void Run(int index)
        {
            var tile = new PixelView(new ReadOnlySpan<byte>(Pixels, Size.Width * Size.Height * PixelView.Channels), Size.Width, Size.Height);
            int columns = Size.Width / Embedding._patchSize;
            PatchUnfolding.Unfold(tile, Order[index] % columns, Order[index] / columns, Embedding._patchSize,
                Embedding._normalization, Unfolded.RowSpan(index));
        }
    }
}
