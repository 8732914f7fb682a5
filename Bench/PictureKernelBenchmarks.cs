using BenchmarkDotNet.Attributes;
using TinyMllm.Kernels;
using TinyMllm.Kernels.Im2Col;
using TinyMllm.Kernels.Resampling;

namespace TinyMllm.Bench;

/// <summary>
/// What happens to a photograph before the vision encoder: resizing 12 megapixels to tiles or an overview, and cutting patches. One thread.
/// </summary>
[MemoryDiagnoser(displayGenColumns: false)]
public class PictureKernelBenchmarks
{
    private const int Width = 4000, Height = 3000;

    private readonly byte[] _photo = new byte[Width * Height * 3];
    private readonly byte[] _resized = new byte[2048 * 1536 * 3];
    private byte[] _between = [];
    private readonly float[] _rows = new float[PointResampling.ScratchLength(2048)];
    private readonly float[] _patches = new float[512 * 512 * 3];
    private readonly PixelNormalization _normalization = new([0.5f, 0.5f, 0.5f], [0.5f, 0.5f, 0.5f]);
    private int[] _taps = [];

    /// <summary>The instruction set that runs.</summary>
    [ParamsSource(nameof(Isas))]
    public Isa InstructionSet { get; set; }

    /// <summary>The chosen instruction sets.</summary>
    public static IEnumerable<Isa> Isas => ChosenIsas.All;

    /// <summary>Longer side of the result.</summary>
    [Params(512, 2048)]
    public int Side { get; set; }

    private PixelView Photo => new(_photo, Width, Height);

    private PixelTarget Target => new(_resized, Side, Side * 3 / 4);

    /// <summary>Noise.</summary>
    [GlobalSetup]
    public void Setup()
    {
        Isa.Current = InstructionSet;
        new Random(1).NextBytes(_photo);
        _between = new byte[PillowResampling.ScratchBytes(Photo, Side, Side * 3 / 4)];
        _taps = new int[PillowResampling.ScratchTaps(Photo, Side, Side * 3 / 4)];
    }

    /// <summary>Corner-aligned bilinear.</summary>
    [Benchmark]
    public void Bilinear() => PointResampling.Resample<CornerBilinear>(Photo, Target, _rows);

    /// <summary>Top-left bicubic.</summary>
    [Benchmark]
    public void Bicubic() => PointResampling.Resample<TopLeftBicubic>(Photo, Target, _rows);

    /// <summary>Antialiased bicubic.</summary>
    [Benchmark]
    public void Pillow() => PillowResampling.Resample(Photo, Target, _between, _taps);

    /// <summary>All 1,024 patches of 16×16 of a tile of 512×512, normalised.</summary>
    [Benchmark]
    public void UnfoldTile()
    {
        var tile = new PixelView(_photo, 512, 512);
        for (int patch = 0; patch < 1024; patch++)
            PatchUnfolding.Unfold(tile, patch % 32, patch / 32, 16, _normalization, _patches.AsSpan(patch * 768, 768));
    }
}
