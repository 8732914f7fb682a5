using TinyMllm.Vision;

namespace TinyMllm.Generation;

/// <summary>Turns the encoder's reports on one tile into reports on all pictures of a prompt.</summary>
internal sealed class TileCounter(int tiles, IProgress<ImageProgress> progress) : IProgress<VisionProgress>
{
    private int _done;

    /// <summary>A block of the present tile is computed.</summary>
    public void Report(VisionProgress value)
    {
        double tile = Math.Min(1, value.BlocksDone / (double)Math.Max(1, value.BlocksTotal));
        progress.Report(new ImageProgress(_done, tiles, (_done + tile) / tiles));
    }

    /// <summary>The present tile is encoded.</summary>
    public void EndTile()
    {
        _done++;
        progress.Report(new ImageProgress(_done, tiles, (double)_done / tiles));
    }
}
