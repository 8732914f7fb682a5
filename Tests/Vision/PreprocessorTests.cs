using TinyMllm.Loaders.Images;
using TinyMllm.Vision.Preprocessing;
using TinyMllm.Vision.Transformer;

namespace TinyMllm.Tests.Vision;

/// <summary>
/// The sizes that preprocessors decide as llama.cpp does, held against the worked table of the specification (5.9). Those of the models'
/// own processors are in <see cref="OriginalSizeTests"/>.
/// </summary>
public sealed class PreprocessorTests
{
    private static readonly ResizeStyle Style = new(Interpolation.Bilinear, Fitting.Pad);

    private static readonly PixelSize[] Llava16 = [new(336, 672), new(672, 336), new(672, 672), new(1008, 336), new(336, 1008)];

    [TestCase(200, 150, 512, 2048, 4, 3)]
    [TestCase(448, 448, 512, 2048, 4, 4)]
    [TestCase(640, 480, 512, 2048, 4, 3)]
    [TestCase(1920, 1080, 512, 2048, 4, 3)]
    [TestCase(2000, 300, 512, 2048, 4, 1)]
    [TestCase(3000, 4000, 512, 2048, 4, 4)] // float32: 3000·(2048/4000) is a little more than 1536
    [TestCase(200, 150, 384, 1536, 4, 3)]
    [TestCase(3000, 4000, 384, 1536, 3, 4)]
    [TestCase(1, 1, 512, 2048, 4, 4)]
    [TestCase(20000, 10, 512, 2048, 4, 1)]
    public void Idefics3(int width, int height, int side, int edge, int columns, int rows)
    {
        ImagePlan plan = new Idefics3Tiles(side, edge, Style, Style, SizeRules.LlamaCpp).Plan(new(width, height));
        Assert.That(plan.Grid, Is.EqualTo(new TileGrid(columns, rows)));
        Assert.That(plan.Refined, Is.EqualTo(new PixelSize(columns * side, rows * side)));
        Assert.That(plan.Overview, Is.EqualTo(new PixelSize(side, side)));
    }

    [Test]
    public void Idefics3WithoutEdgeIsTheOverview([Values] bool original) =>
        Assert.That(new Idefics3Tiles(512, 0, Style, Style, original ? SizeRules.Original : SizeRules.LlamaCpp).Plan(new(640, 480)), Is.EqualTo(new ImagePlan(new PixelSize(512, 512))));

    [TestCase(200, 150, 448, 448, 0, 0, 0, 0)]
    [TestCase(448, 448, 448, 448, 0, 0, 0, 0)]
    [TestCase(640, 480, 518, 392, 2, 1, 364, 546)]
    [TestCase(1024, 768, 518, 392, 2, 2, 518, 392)]
    [TestCase(1920, 1080, 602, 336, 4, 2, 420, 476)]
    [TestCase(2000, 300, 1148, 168, 4, 1, 574, 350)]
    [TestCase(3000, 4000, 392, 518, 3, 3, 392, 518)]
    public void Uhd(int width, int height, int overviewWidth, int overviewHeight, int columns, int rows, int tileWidth, int tileHeight)
    {
        ImagePlan plan = new UhdTiles(448, 14, Style, Style, SizeRules.LlamaCpp).Plan(new(width, height));
        Assert.That(plan.Overview, Is.EqualTo(new PixelSize(overviewWidth, overviewHeight)));
        Assert.That(plan.Grid, Is.EqualTo(new TileGrid(columns, rows)));
        Assert.That(plan.Tile, Is.EqualTo(new PixelSize(tileWidth, tileHeight)));
    }

    [TestCase(448, 448, 0, 0)]
    [TestCase(640, 480, 2, 2)]
    [TestCase(1024, 768, 3, 2)]
    [TestCase(1920, 1080, 4, 3)]
    [TestCase(2000, 300, 5, 1)]
    [TestCase(3000, 4000, 3, 4)]
    public void InternVl(int width, int height, int columns, int rows)
    {
        ImagePlan plan = new CandidateTiles(448, CandidateTiles.Arrangements(448, 1, 12), Style, Style, SizeRules.LlamaCpp).Plan(new(width, height));
        Assert.That(plan.Grid, Is.EqualTo(new TileGrid(columns, rows)));
    }

    [TestCase(200, 150, 0, 0)]
    [TestCase(448, 448, 2, 2)]
    [TestCase(1920, 1080, 2, 2)]
    [TestCase(2000, 300, 3, 1)]
    public void Llava16Pinpoints(int width, int height, int columns, int rows)
    {
        ImagePlan plan = new CandidateTiles(336, Llava16, Style, Style, SizeRules.LlamaCpp).Plan(new(width, height));
        Assert.That(plan.Grid, Is.EqualTo(new TileGrid(columns, rows)));
    }

    [TestCase(200, 150, 320, 224, 0, 0)]
    [TestCase(448, 448, 448, 448, 0, 0)]
    [TestCase(640, 480, 576, 416, 0, 0)]
    [TestCase(1920, 1080, 672, 384, 4, 2)]
    [TestCase(2000, 300, 1312, 192, 7, 1)]
    [TestCase(3000, 4000, 416, 576, 2, 3)]
    public void Lfm2(int width, int height, int overviewWidth, int overviewHeight, int columns, int rows)
    {
        ImagePlan plan = new Lfm2Tiles(32, 64 * 1024, 256 * 1024, Style, Style, SizeRules.LlamaCpp).Plan(new(width, height));
        Assert.That(plan.Overview, Is.EqualTo(new PixelSize(overviewWidth, overviewHeight)));
        Assert.That(plan.Grid, Is.EqualTo(new TileGrid(columns, rows)));
    }

    [TestCase(200, 150, 28, 196, 140)]
    [TestCase(640, 480, 28, 644, 476)]
    [TestCase(1024, 768, 28, 1036, 756)]
    [TestCase(1920, 1080, 28, 1932, 1092)]
    [TestCase(2000, 300, 28, 1988, 308)]
    [TestCase(3000, 4000, 28, 1540, 2044)]
    [TestCase(200, 150, 32, 192, 160)]
    [TestCase(3000, 4000, 32, 1760, 2336)]
    [TestCase(1, 1, 28, 84, 84)]
    public void SmartResize(int width, int height, int alignment, int expectedWidth, int expectedHeight)
    {
        long token = (long)alignment * alignment;
        ImagePlan plan = new DynamicSize(alignment, 8 * token, 4096 * token, Style, SizeRules.LlamaCpp).Plan(new(width, height));
        Assert.That(plan.Overview, Is.EqualTo(new PixelSize(expectedWidth, expectedHeight)));
    }

    [Test]
    public void EveryStrategySurvivesExtremeShapes([Values(1, 2, 30000)] int width, [Values(1, 7, 20000)] int height)
    {
        List<Preprocessor> all =
        [
            new FixedSquare(224, Style), new NearestSquare([1024, 1280], Style), new LongestEdge(28, 1540, Style, SizeRules.LlamaCpp),
            new WithinEdge(28, 1540, 1024 * 784, Style), new PaddedToBlocks(14, 28, 4096, Style), new ShapeTiles(448, 1, 12, Style, Style),
        ];
        foreach (SizeRules rules in new[] { SizeRules.Original, SizeRules.LlamaCpp })
        {
            all.AddRange(
            [
                new DynamicSize(28, 8 * 784, 4096 * 784, Style, rules), new CandidateTiles(336, Llava16, Style, Style, rules),
                new UhdTiles(448, 14, Style, Style, rules), new Idefics3Tiles(512, 2048, Style, Style, rules),
                new Lfm2Tiles(32, 65536, 262144, Style, Style, rules),
            ]);
        }

        foreach (Preprocessor preprocessor in all)
        {
            ImagePlan plan = preprocessor.Plan(new(width, height));
            Assert.That(plan.Overview!.Value.Area, Is.InRange(1, 30_000_000), preprocessor.GetType().Name);
            Assert.That(plan.Refined.Area, Is.LessThanOrEqualTo(30_000_000), preprocessor.GetType().Name);
        }
    }

    [Test]
    public void PaddingIsFilledAndThePictureStandsInTheMiddle([Values(Fitting.Pad, Fitting.PadNearest)] Fitting fitting)
    {
        var image = RgbImage.FromRgb([.. Enumerable.Repeat((byte)200, 8 * 4 * 3)], 8, 4);
        byte[] pixels = Resizer.Resize(image, new(16, 16), new(Interpolation.Bilinear, fitting, new RgbColor(1, 2, 3)));
        for (int y = 0; y < 16; y++)
        {
            byte[] expected = y is >= 4 and < 12 ? [200, 200, 200] : [1, 2, 3];
            for (int x = 0; x < 16; x++) Assert.That(pixels[((y * 16 + x) * 3)..((y * 16 + x) * 3 + 3)], Is.EqualTo(expected));
        }
    }

    [Test]
    public void TilesAreCutFromTheResizedPicture([Values] Fitting fitting, [Values] Interpolation filter, [Values(100, 31, 64)] int height)
    {
        byte[] bytes = new byte[80 * height * 3];
        new Random(3).NextBytes(bytes);
        var image = RgbImage.FromRgb(bytes, 80, height);
        var style = new ResizeStyle(filter, fitting, new RgbColor(1, 2, 3));
        var plan = new ImagePlan(new PixelSize(32, 32), new PixelSize(96, 64), new TileGrid(3, 2));
        var preprocessor = new FixedSquare(32, style);
        byte[] whole = Resizer.Resize(image, plan.Refined, style);
        Assert.That(preprocessor.Overview(image, plan)!.Render(), Is.EqualTo(Resizer.Resize(image, plan.Overview!.Value, style)));
        for (int i = 0; i < plan.Grid.Count; i++)
        {
            byte[] pixels = preprocessor.Tile(image, plan, i / 3, i % 3).Render();
            for (int y = 0; y < 32; y++)
            {
                byte[] expected = whole[(((i / 3 * 32 + y) * 96 + i % 3 * 32) * 3)..][..96];
                Assert.That(pixels[(y * 96)..][..96], Is.EqualTo(expected), $"tile {i}, row {y}");
            }
        }
    }
}
