using TinyMllm.Loaders.Images;
using TinyMllm.Tests.Support;

namespace TinyMllm.Tests.Api;

/// <summary>The demo model and its pictures, as a user of the library loads them.</summary>
internal static class Demo
{
    public static string Folder { get; } = Path.Combine(Golden.Root, "Models", "Demo");

    public static string ModelPath { get; } = Path.Combine(Folder, "demo-q8_0.gguf");

    public static string ProjectorPath { get; } = Path.Combine(Folder, "demo-mmproj-q8_0.gguf");

    public static string Sample(string name) => Path.Combine(Folder, "samples", name + ".png");

    public static RgbImage Picture(string name) => RgbImage.Load(Sample(name));

    public static VisionLanguageModel Load(ModelOptions? options = null) => VisionLanguageModel.Load(ModelPath, ProjectorPath, options);

    public static async Task<string> TextOf(IAsyncEnumerable<GeneratedPiece> pieces)
    {
        string text = "";
        await foreach (GeneratedPiece piece in pieces) text += piece;
        return text;
    }

    public static async Task<GenerationResult> ResultOf(IAsyncEnumerable<GeneratedPiece> pieces)
    {
        GenerationResult? result = null;
        await foreach (GeneratedPiece piece in pieces) result = piece.Result;
        return result!;
    }
}
