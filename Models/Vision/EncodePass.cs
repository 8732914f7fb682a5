using TinyMllm.Engine;

namespace TinyMllm.Vision;

/// <summary>How far the encoding of a tile has come.</summary>
/// <param name="BlocksDone">Transformer blocks computed.</param>
/// <param name="BlocksTotal">Blocks of the encoder.</param>
public readonly record struct VisionProgress(int BlocksDone, int BlocksTotal);

/// <summary>One run of an encoder: threads and scratch, and the block-by-block ways to watch and to stop it.</summary>
internal sealed class EncodePass(Workspace workspace, int blocks, IProgress<VisionProgress>? progress, CancellationToken cancellationToken)
{
    private int _done;

    /// <summary>Threads and scratch.</summary>
    public Workspace Workspace { get; } = workspace;

    /// <summary>Marks the end of a block.</summary>
    /// <exception cref="OperationCanceledException">The caller wants no more.</exception>
    public void EndBlock()
    {
        cancellationToken.ThrowIfCancellationRequested();
        progress?.Report(new VisionProgress(++_done, blocks));
    }
}
