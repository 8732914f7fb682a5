using TinyMllm.Engine;
using TinyMllm.Vision.Transformer;

namespace TinyMllm.Vision.Families;

/// <summary>
/// Qwen2.5-VL (<c>qwen2.5vl_merger</c>): RMS norms, gated SiLU, and attention inside windows of 112 pixels except in every n-th block.
/// Patches stand window after window in the sequence; the merged tokens are put back into row-major order at the end.
/// </summary>
internal sealed class Qwen25Vl : QwenFamily
{
    private const int WindowPixels = 112;

    private readonly int _fullEvery;
    private readonly int _windowBlocks;

    public Qwen25Vl(VisionSource source)
        : base(source, new TransformerOptions { Norm = NormKind.Rms, FeedForwardNamesMayBeSwapped = true }, MergerGelu(source), minTokens: 4)
    {
        _fullEvery = source.Metadata.GetInt32("clip.vision.n_wa_pattern");
        if (_fullEvery < 0) throw source.Metadata.Invalid("clip.vision.n_wa_pattern", "0 or more");
        _windowBlocks = Math.Max(1, WindowPixels / Config.PatchSize / BlockSide);
    }

    /// <inheritdoc/>
    public override void Encode(EncodePass pass, ImageTile tile, Matrix embeddings)
    {
        if (_fullEvery == 0)
        {
            base.Encode(pass, tile, embeddings);
            return;
        }

        using var frame = pass.Workspace.Frame();
        PatchGrid grid = Grid(tile.Size);
        var order = PatchOrder.Windows(grid, BlockSide, _windowBlocks);
        Matrix x = Embed(pass, tile, order);
        Sequence sequence = Tower.Begin(pass.Workspace, x, grid, order).WithWindows(order.WindowEnds, block => (block + 1) % _fullEvery == 0);
        Tower.RunBlocks(pass, x, sequence, 0, Tower.BlockCount);
        Tower.End(pass.Workspace, x);

        Matrix windowed = pass.Workspace.Rent(embeddings.Rows, embeddings.Columns);
        Project(pass.Workspace, x, grid, windowed);
        Rows.Scatter(windowed, order.BlockIndices(grid, BlockSide), embeddings);
    }
}
