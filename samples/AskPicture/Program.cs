// Asks questions about a picture: dotnet run --project samples/AskPicture -c Release -- [model.gguf mmproj.gguf] picture.png
using TinyMllm;
using TinyMllm.Loaders.Hub;
using TinyMllm.Loaders.Images;

if (args is not ([_] or [_, _, _]))
{
    Console.Error.WriteLine("usage: AskPicture [model.gguf mmproj.gguf] picture.png (without a model, SmolVLM 256M is downloaded, about 280 MB)");
    return 2;
}

if (args.FirstOrDefault(path => !File.Exists(path)) is { } missing)
{
    Console.Error.WriteLine($"there is no file {missing}");
    return 2;
}

string picture = args[^1];
(string modelPath, string? projectorPath) = args is [var m, var p, _] ? (m, p) : await DownloadAsync();

using var model = VisionLanguageModel.Load(modelPath, projectorPath);
Console.Error.WriteLine($"{model.Info.Name}, kernels: {model.Info.Isa}");
using ChatSession session = model.CreateSession();
var image = RgbImage.Load(picture);

// The picture comes with the first question; the others are about the same one, and it is encoded once.
await AskAsync("What is this?", image);
await AskAsync("What color is the background?");
return 0;

async Task AskAsync(string question, params RgbImage[] images)
{
    Console.Write($"{question} ");
    await foreach (GeneratedPiece piece in session.GenerateAsync(question, images))
    {
        Console.Write(piece);
        if (piece.Result is { } result) Console.WriteLine($"  [{result.TokensPerSecond:0} tokens/s]");
    }
}

static async Task<(string, string?)> DownloadAsync()
{
    using var hub = new HubDownloader();
    HubModel files = await hub.GetAsync(HubReference.Parse("smolvlm:256m"));
    return (files.ModelPath, files.ProjectorPath);
}
