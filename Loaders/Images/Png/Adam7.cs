namespace TinyMllm.Loaders.Images.Png;

/// <summary>One pass through the picture: the pixels at (StartX + i·StepX, StartY + j·StepY).</summary>
internal readonly record struct PngPass(int StartX, int StartY, int StepX, int StepY)
{
    public int Columns(int width) => (width - StartX + StepX - 1) / StepX;

    public int Rows(int height) => (height - StartY + StepY - 1) / StepY;
}

/// <summary>
/// The seven passes of interlaced pictures (PNG 3rd edition, 8.2); numbers of the passes in each 8×8 square:
/// <code>
///   1 6 4 6 2 6 4 6
///   7 7 7 7 7 7 7 7
///   5 6 5 6 5 6 5 6
///   7 7 7 7 7 7 7 7
///   3 6 4 6 3 6 4 6
///   7 7 7 7 7 7 7 7
///   5 6 5 6 5 6 5 6
///   7 7 7 7 7 7 7 7
/// </code>
/// </summary>
internal static class Adam7
{
    public static ReadOnlySpan<PngPass> Passes => s_passes;

    public static ReadOnlySpan<PngPass> SinglePass => s_singlePass;

    private static readonly PngPass[] s_passes =
    [
        new(0, 0, 8, 8), new(4, 0, 8, 8), new(0, 4, 4, 8), new(2, 0, 4, 4), new(0, 2, 2, 4), new(1, 0, 2, 2), new(0, 1, 1, 2),
    ];

    private static readonly PngPass[] s_singlePass = [new(0, 0, 1, 1)];
}
