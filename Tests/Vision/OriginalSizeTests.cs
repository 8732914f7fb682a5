using TinyMllm.Loaders.Gguf;
using TinyMllm.Loaders.Images;
using TinyMllm.Tests.Support;
using TinyMllm.Vision;
using TinyMllm.Vision.Preprocessing;

namespace TinyMllm.Tests.Vision;

/// <summary>
/// The sizes that the models' own processors decide, which the default follows. The numbers were computed apart from this code, in Python,
/// by the rules of those processors; <see cref="PreprocessorTests"/> has llama.cpp's for many of the same pictures.
/// </summary>
public sealed class OriginalSizeTests
{
    private static readonly ResizeStyle Style = new(Interpolation.Bilinear, Fitting.Pad);

    private static readonly PixelSize[] Llava16 = [new(336, 672), new(672, 336), new(672, 672), new(1008, 336), new(336, 1008)];

    /// <summary>Halves go to the even multiple: 720 = 22.5 · 32, 630 = 22.5 · 28, 854 = 30.5 · 28, 1022 = 36.5 · 28.</summary>
    [TestCase(720, 720, 32, 704, 704)]
    [TestCase(630, 630, 28, 616, 616)]
    [TestCase(854, 854, 28, 840, 840)]
    [TestCase(1022, 1022, 28, 1008, 1008)]
    [TestCase(640, 480, 28, 644, 476)]
    [TestCase(1920, 1080, 28, 1932, 1092)]
    [TestCase(3000, 4000, 28, 1540, 2044)]
    [TestCase(2000, 300, 28, 1988, 308)]
    [TestCase(3000, 4000, 32, 1760, 2336)]
    [TestCase(1, 1, 28, 56, 56)]
    [TestCase(42, 42, 28, 56, 56)]
    public void SmartResize(int width, int height, int alignment, int expectedWidth, int expectedHeight)
    {
        long token = (long)alignment * alignment;
        ImagePlan plan = new DynamicSize(alignment, 4 * token, 4096 * token, Style, SizeRules.Original).Plan(new(width, height));
        Assert.That(plan.Overview, Is.EqualTo(new PixelSize(expectedWidth, expectedHeight)));
    }

    [TestCase(200, 150, 512, 2048, 4, 3)]
    [TestCase(448, 448, 512, 2048, 4, 4)]
    [TestCase(640, 480, 512, 2048, 4, 3)]
    [TestCase(500, 300, 512, 2048, 4, 3)]
    [TestCase(1024, 768, 512, 2048, 4, 3)]
    [TestCase(1920, 1080, 512, 2048, 4, 3)]
    [TestCase(2000, 300, 512, 2048, 4, 1)]
    [TestCase(1100, 300, 512, 2048, 4, 2)]
    [TestCase(900, 900, 512, 2048, 4, 4)]
    [TestCase(3000, 4000, 512, 2048, 3, 4)]
    [TestCase(1, 1, 512, 2048, 4, 4)]
    [TestCase(3000, 4000, 384, 1536, 3, 4)]
    [TestCase(2049, 1537, 512, 2048, 4, 3)]
    [TestCase(2048, 1025, 512, 2048, 4, 3)]
    [TestCase(400, 300, 512, 512, 0, 0)]
    public void Idefics3(int width, int height, int side, int edge, int columns, int rows)
    {
        ImagePlan plan = new Idefics3Tiles(side, edge, Style, Style, SizeRules.Original).Plan(new(width, height));
        Assert.That(plan.Grid, Is.EqualTo(new TileGrid(columns, rows)));
        Assert.That(plan.Refined, Is.EqualTo(new PixelSize(columns * side, rows * side)));
        Assert.That(plan.Overview, Is.EqualTo(new PixelSize(side, side)));
    }

    [TestCase(200, 150, 518, 392, 0, 0, 0, 0)]
    [TestCase(448, 448, 448, 448, 0, 0, 0, 0)]
    [TestCase(640, 480, 518, 392, 2, 1, 364, 546)]
    [TestCase(500, 300, 574, 350, 0, 0, 0, 0)]
    [TestCase(1024, 768, 518, 392, 2, 2, 518, 392)]
    [TestCase(1920, 1080, 602, 336, 4, 2, 420, 476)]
    [TestCase(2000, 300, 1148, 168, 4, 1, 574, 350)]
    [TestCase(1100, 300, 854, 238, 3, 1, 490, 406)]
    [TestCase(900, 900, 448, 448, 2, 2, 448, 448)]
    [TestCase(3000, 4000, 392, 518, 3, 3, 392, 518)]
    [TestCase(1, 1, 448, 448, 0, 0, 0, 0)]
    public void Uhd(int width, int height, int overviewWidth, int overviewHeight, int columns, int rows, int tileWidth, int tileHeight)
    {
        ImagePlan plan = new UhdTiles(448, 14, Style, Style, SizeRules.Original).Plan(new(width, height));
        Assert.That(plan.Overview, Is.EqualTo(new PixelSize(overviewWidth, overviewHeight)));
        Assert.That(plan.Grid, Is.EqualTo(new TileGrid(columns, rows)));
        Assert.That(plan.Tile, Is.EqualTo(new PixelSize(tileWidth, tileHeight)));
    }

    [TestCase(200, 150, 4, 3)]
    [TestCase(448, 448, 0, 0)]
    [TestCase(640, 480, 4, 3)]
    [TestCase(500, 300, 3, 2)]
    [TestCase(1024, 768, 4, 3)]
    [TestCase(1920, 1080, 4, 2)]
    [TestCase(2000, 300, 7, 1)]
    [TestCase(1100, 300, 4, 1)]
    [TestCase(900, 900, 2, 2)]
    [TestCase(3000, 4000, 3, 4)]
    [TestCase(1, 1, 0, 0)]
    public void InternVl(int width, int height, int columns, int rows)
    {
        ImagePlan plan = new ShapeTiles(448, 1, 12, Style, Style).Plan(new(width, height));
        Assert.That(plan.Grid, Is.EqualTo(new TileGrid(columns, rows)));
        Assert.That(plan.Overview, Is.EqualTo(new PixelSize(448, 448)));
    }

    [TestCase(200, 150, 1, 2)]
    [TestCase(448, 448, 2, 2)]
    [TestCase(640, 480, 2, 2)]
    [TestCase(500, 300, 2, 1)]
    [TestCase(1024, 768, 2, 2)]
    [TestCase(1920, 1080, 2, 2)]
    [TestCase(2000, 300, 3, 1)]
    [TestCase(1100, 300, 3, 1)]
    [TestCase(900, 900, 2, 2)]
    [TestCase(3000, 4000, 2, 2)]
    [TestCase(1, 1, 1, 2)]
    public void Llava16Pinpoints(int width, int height, int columns, int rows)
    {
        ImagePlan plan = new CandidateTiles(336, Llava16, Style, Style, SizeRules.Original).Plan(new(width, height));
        Assert.That(plan.Grid, Is.EqualTo(new TileGrid(columns, rows)));
    }

    /// <summary>1024×1024 is exactly 2 · 256 tokens of 32×32 twice over: tiles. 1100×300 is long, but small: none.</summary>
    [TestCase(200, 150, 320, 224, 0, 0)]
    [TestCase(448, 448, 448, 448, 0, 0)]
    [TestCase(640, 480, 576, 416, 0, 0)]
    [TestCase(500, 300, 512, 288, 0, 0)]
    [TestCase(1024, 768, 576, 416, 3, 2)]
    [TestCase(1920, 1080, 672, 384, 4, 2)]
    [TestCase(2000, 300, 1312, 192, 7, 1)]
    [TestCase(1100, 300, 960, 256, 0, 0)]
    [TestCase(900, 900, 512, 512, 2, 2)]
    [TestCase(3000, 4000, 416, 576, 2, 3)]
    [TestCase(1, 1, 256, 256, 0, 0)]
    [TestCase(1024, 513, 704, 352, 0, 0)]
    [TestCase(1024, 1024, 512, 512, 2, 2)]
    [TestCase(720, 720, 512, 512, 0, 0)]
    public void Lfm2(int width, int height, int overviewWidth, int overviewHeight, int columns, int rows)
    {
        ImagePlan plan = new Lfm2Tiles(32, 64 * 1024, 256 * 1024, Style, Style, SizeRules.Original).Plan(new(width, height));
        Assert.That(plan.Overview, Is.EqualTo(new PixelSize(overviewWidth, overviewHeight)));
        Assert.That(plan.Grid, Is.EqualTo(new TileGrid(columns, rows)));
    }

    [TestCase(200, 150, 1024, 16, 208, 160)]
    [TestCase(448, 448, 1024, 16, 448, 448)]
    [TestCase(640, 480, 1024, 16, 640, 480)]
    [TestCase(500, 300, 1024, 16, 512, 304)]
    [TestCase(1024, 768, 1024, 16, 1024, 768)]
    [TestCase(1920, 1080, 1024, 16, 1024, 576)]
    [TestCase(2000, 300, 1024, 16, 1024, 160)]
    [TestCase(1100, 300, 1024, 16, 1024, 288)]
    [TestCase(900, 900, 1024, 16, 912, 912)]
    [TestCase(3000, 4000, 1024, 16, 768, 1024)]
    [TestCase(1, 1, 1024, 16, 16, 16)]
    [TestCase(1100, 300, 1540, 28, 1120, 308)]
    [TestCase(900, 900, 1540, 28, 924, 924)]
    [TestCase(3000, 4000, 1540, 28, 1176, 1540)]
    [TestCase(1, 1, 1540, 28, 28, 28)]
    public void Pixtral(int width, int height, int edge, int alignment, int expectedWidth, int expectedHeight)
    {
        ImagePlan plan = new WithinEdge(alignment, edge, long.MaxValue, Style).Plan(new(width, height));
        Assert.That(plan.Overview, Is.EqualTo(new PixelSize(expectedWidth, expectedHeight)));
    }

    [Test]
    public void PixtralKeepsTheLimitOfTokens() =>
        Assert.That(new WithinEdge(28, 1540, 1024 * 784, Style).Plan(new(3000, 4000)).Overview!.Value.Area, Is.InRange(900 * 784, 1024 * 784));

    [TestCase(200, 150, 200, 150, 224, 168)]
    [TestCase(448, 448, 448, 448, 448, 448)]
    [TestCase(640, 480, 640, 480, 644, 504)]
    [TestCase(500, 300, 500, 300, 504, 308)]
    [TestCase(1024, 768, 1024, 768, 1036, 784)]
    [TestCase(1920, 1080, 1196, 672, 1204, 672)]
    [TestCase(2000, 300, 2000, 300, 2016, 308)]
    [TestCase(1100, 300, 1100, 300, 1120, 308)]
    [TestCase(900, 900, 900, 900, 924, 924)]
    [TestCase(3000, 4000, 777, 1036, 784, 1036)]
    [TestCase(1, 1, 1, 1, 28, 28)]
    public void KimiVl(int width, int height, int contentWidth, int contentHeight, int expectedWidth, int expectedHeight)
    {
        ImagePlan plan = new PaddedToBlocks(14, 28, 4096, Style).Plan(new(width, height));
        Assert.That(plan.Content, Is.EqualTo(new PixelSize(contentWidth, contentHeight)));
        Assert.That(plan.Overview, Is.EqualTo(new PixelSize(expectedWidth, expectedHeight)));
    }

    [Test]
    public void KimiVlPadsOnTheRightAndBelow()
    {
        byte[] pixels = new byte[30 * 20 * 3];
        new Random(8).NextBytes(pixels);
        var preprocessor = new PaddedToBlocks(14, 28, 4096, Style);
        var image = RgbImage.FromRgb(pixels, 30, 20);
        byte[] actual = preprocessor.Overview(image, preprocessor.Plan(new(30, 20)))!.Render();
        for (int y = 0; y < 28; y++)
        {
            byte[] expected = y < 20 ? [.. pixels[(y * 90)..((y + 1) * 90)], .. new byte[26 * 3]] : new byte[56 * 3];
            Assert.That(actual[(y * 168)..((y + 1) * 168)], Is.EqualTo(expected), $"row {y}");
        }
    }

    /// <summary>A paragraph parts the tiles from the overview; where there are no tiles, the original has none and llama.cpp has it.</summary>
    [TestCase("idefics3_single", true, 0)]
    [TestCase("idefics3_single", false, 1)]
    [TestCase("idefics3_tiles", true, 1)]
    [TestCase("idefics3_tiles", false, 1)]
    public void Idefics3PartsItsOverviewFromTheTiles(string golden, bool original, int paragraphs)
    {
        using var file = GgufFile.Open(Golden.Path($"vlm/{golden}/mmproj.gguf"));
        using var model = VisionModel.Load(file, new VisionOptions { Compatibility = original ? Compatibility.Original : Compatibility.LlamaCpp });
        string[] tokens = [.. model.Prepare(RgbImage.FromRgb(new byte[60 * 44 * 3], 60, 44)).Pieces.OfType<ImagePiece.MarkerToken>().Select(piece => piece.Value)];
        Assert.That(tokens[^3..], Is.EqualTo(new[] { "<fake_token_around_image>", "<global-img>", "<fake_token_around_image>" }));
        Assert.That(tokens.Count(token => token == "\n\n"), Is.EqualTo(paragraphs));
        if (paragraphs > 0) Assert.That(tokens[^4], Is.EqualTo("\n\n"));
    }

    /// <summary>A picture for which the two modes decide differently, through a file of each family.</summary>
    [TestCase("qwen2vl", 36, 20, "32×16", "40×24")]
    [TestCase("qwen25vl", 72, 40, "64×32", "80×48")]
    [TestCase("qwen3vl", 36, 20, "88×48", "40×24")]
    [TestCase("idefics3_single", 30, 20, "32×32", "32×32 32×32")]
    [TestCase("lfm2", 600, 400, "512×512 512×512 512×512 512×512 512×512 512×512 304×208", "304×208")]
    [TestCase("internvl", 30, 20, "32×32 32×32 32×32 32×32 32×32 32×32 32×32", "32×32")]
    [TestCase("llava_pinpoints", 30, 20, "32×32 32×32 32×32", "32×32")]
    [TestCase("minicpmv45", 40, 33, "52×44", "48×48")]
    [TestCase("minicpmv46", 30, 10, "48×16", "32×32")]
    [TestCase("pixtral", 77, 40, "64×40", "80×40")]
    [TestCase("kimivl", 57, 43, "64×48", "56×40")]
    [TestCase("paddleocr", 36, 52, "32×48", "40×56")]
    public void EveryFamilyTakesTheRulesOfItsMode(string golden, int width, int height, string original, string llamaCpp)
    {
        using var file = GgufFile.Open(Golden.Path($"vlm/{golden}/mmproj.gguf"));
        Assert.That(Tiles(Compatibility.Original), Is.EqualTo(original));
        Assert.That(Tiles(Compatibility.LlamaCpp), Is.EqualTo(llamaCpp));

        string Tiles(Compatibility compatibility)
        {
            using var model = VisionModel.Load(file, new VisionOptions { Compatibility = compatibility });
            return string.Join(" ", model.Prepare(RgbImage.FromRgb(new byte[width * height * 3], width, height)).Tiles.Select(tile => tile.Size));
        }
    }
}
