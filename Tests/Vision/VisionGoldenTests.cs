using System.Text.Json;
using TinyMllm.Engine;
using TinyMllm.Loaders.Gguf;
using TinyMllm.Vision;

namespace TinyMllm.Tests.Vision;

/// <summary>Every folder of goldens/vlm: pixels, then embeddings, of every slice.</summary>
public sealed class VisionGoldenTests
{
    /// <summary>Grey levels are equal, and what the encoder is given differs by the rounding of the normalisation at most.</summary>
    [TestCaseSource(typeof(VlmGolden), nameof(VlmGolden.All))]
    public void PixelsAreEqual(string name)
    {
        var golden = VlmGolden.Open(name);
        using var file = GgufFile.Open(golden.Mmproj);
        using var model = VisionModel.Load(file, golden.Options);
        ImageTile[] tiles = [.. golden.Images.SelectMany(image => model.Prepare(image).Tiles)];
        JsonElement[] chunks = [.. golden.ImageChunks];
        Assert.That(tiles, Has.Length.EqualTo(chunks.Length));
        for (int i = 0; i < tiles.Length; i++)
        {
            float[] expected = golden.Pixels(chunks[i]), actual = model.Normalize(tiles[i]);
            Assert.That(actual, Has.Length.EqualTo(expected.Length), $"slice {i} of {tiles[i].Size}");
            Assert.That(actual.Zip(expected).Count(pair => MathF.Abs(pair.First - pair.Second) > 1e-5f), Is.Zero, $"values of slice {i} that differ");
        }
    }

    [TestCaseSource(typeof(VlmGolden), nameof(VlmGolden.All))]
    public void EmbeddingsAgree(string name)
    {
        var golden = VlmGolden.Open(name);
        using var file = GgufFile.Open(golden.Mmproj);
        using var model = VisionModel.Load(file, golden.Options);
        using var pool = new WorkerPool(2);
        using var workspace = new Workspace(pool);
        int i = 0;
        foreach ((ImageTile prepared, JsonElement chunk) in golden.Images.SelectMany(image => model.Prepare(image).Tiles).Zip(golden.ImageChunks))
        {
            // The stored pixels, because a grey level of difference somewhere moves the embeddings by 1e-3.
            ImageTile tile = WithPixels(prepared, golden.Pixels(chunk), file.Metadata);
            float[] expected = golden.Array(chunk.GetProperty("embd").GetString()!, out bool exact).Floats;
            float[] actual = Encode(model, workspace, tile);
            Assert.That(actual, Has.Length.EqualTo(expected.Length), $"slice {i}");
            TestContext.Out.WriteLine($"slice {i}: largest difference {MaxDifference(actual, expected) / Deviation(expected):G2} of the standard deviation");
            Assert.That(MaxDifference(actual, expected), Is.LessThan(Tolerance(name, exact) * Deviation(expected)), $"slice {i}");
            i++;
        }
    }

    internal static ImageTile WithPixels(ImageTile tile, float[] normalised, GgufMetadata metadata)
    {
        float[] mean = metadata.GetSingleArray("clip.vision.image_mean"), std = metadata.GetSingleArray("clip.vision.image_std");
        return new ImageTile([.. normalised.Select((value, i) => (byte)Math.Round((value * std[i % 3] + mean[i % 3]) * 255))], tile.Size);
    }

    internal static unsafe float[] Encode(VisionModel model, Workspace workspace, ImageTile tile)
    {
        float[] values = new float[model.Tokens(tile).Count * model.EmbeddingLength];
        fixed (float* data = values) model.Encode(workspace, tile, new Matrix(data, model.Tokens(tile).Count, model.EmbeddingLength));
        return values;
    }

    /// <summary>
    /// 1e-4 of the standard deviation against float32 GELU. Folders without such a file either have no tabulated GELU at all, or are
    /// variants that were only run with the table (5e-3); ldp and ldpv2 were run with half-precision inputs of the depthwise convolution
    /// (5e-3).
    /// </summary>
    private static double Tolerance(string name, bool exact) => !exact || name.StartsWith("ldp", StringComparison.Ordinal) ? 5e-3 : 1e-4;

    internal static double MaxDifference(float[] actual, float[] expected) =>
        actual.Zip(expected, (a, b) => float.IsNaN(a) ? double.PositiveInfinity : Math.Abs((double)a - b)).Max();

    private static double Deviation(float[] values)
    {
        double mean = values.Average();
        return Math.Sqrt(values.Average(value => (value - mean) * (value - mean)));
    }
}
