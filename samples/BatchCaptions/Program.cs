// Captions a folder of pictures into a CSV file, with progress; run again after an interruption, it goes on where it stopped.
// dotnet run --project samples/BatchCaptions -c Release -- model.gguf mmproj.gguf FOLDER captions.csv
using TinyMllm;
using TinyMllm.Loaders.Images;

if (args is not [var modelPath, var projectorPath, var folder, var output])
{
    Console.Error.WriteLine("usage: BatchCaptions model.gguf mmproj.gguf FOLDER captions.csv");
    return 2;
}

string[] endings = [".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif"];
string[] pictures = [.. Directory.EnumerateFiles(folder).Where(path => endings.Contains(Path.GetExtension(path).ToLowerInvariant()))
    .Order()];

// A line is complete only with its line break: what an interruption cut off is done again.
string[] done = File.Exists(output) ? CompleteLines(await File.ReadAllTextAsync(output)) : [];
await File.WriteAllLinesAsync(output, done);
HashSet<string> captioned = [.. done.Select(line => line[1..line.IndexOf("\",", StringComparison.Ordinal)].Replace("\"\"", "\""))];

using var stop = new CancellationTokenSource();
Console.CancelKeyPress += (_, pressed) =>
{
    pressed.Cancel = true;
    stop.Cancel();
};

using var model = VisionLanguageModel.Load(modelPath, projectorPath);
int count = captioned.Count;
foreach (string path in pictures.Where(path => !captioned.Contains(Path.GetFileName(path))))
{
    try
    {
        GenerationResult result =
            await model.AnswerAsync("Describe this picture.", [RgbImage.Load(path)], new GenerationOptions { MaxTokens = 100 }, stop.Token);
        await File.AppendAllTextAsync(output, $"{Quote(Path.GetFileName(path))},{Quote(result.Text)}\n");
        Console.Error.Write($"\r{++count} of {pictures.Length}");
    }
    catch (ImageFormatException problem)
    {
        Console.Error.WriteLine($"\n{Path.GetFileName(path)}: {problem.Message}");
    }
    catch (OperationCanceledException)
    {
        Console.Error.WriteLine("\nstopped; run the same command to go on");
        return 130;
    }
}

return 0;

static string[] CompleteLines(string text) => [.. text.Split('\n')[..^1].Where(line => line.Length > 0)];

static string Quote(string text) => $"\"{text.Replace("\"", "\"\"").ReplaceLineEndings(" ")}\"";
