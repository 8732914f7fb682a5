// Captions a folder of pictures into a CSV or JSONL file, with progress; run again after an interruption, it goes on where it stopped.
// dotnet run --project samples/BatchCaptions -c Release -- model.gguf mmproj.gguf FOLDER captions.csv
using System.Text;
using System.Text.Json;
using TinyMllm;
using TinyMllm.Loaders.Images;

if (args is not [var modelPath, var projectorPath, var folder, var outputPath])
{
    Console.Error.WriteLine("usage: BatchCaptions model.gguf mmproj.gguf FOLDER captions.csv (or captions.jsonl)");
    return 2;
}

string[] endings = [".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif"];
string[] pictures = [.. Directory.EnumerateFiles(folder).Where(path => endings.Contains(Path.GetExtension(path).ToLowerInvariant())).Order()];
bool json = Path.GetExtension(outputPath) == ".jsonl";

// One process at a time: only FileShare.None keeps a second one out on every system.
await using var output = new FileStream(outputPath, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
var known = new byte[output.Length];
output.ReadExactly(known);
int complete = Array.LastIndexOf(known, (byte)'\n') + 1;
if (complete == 0 && known.Length > 0)
{
    Console.Error.WriteLine($"{outputPath} is not a file of captions");
    return 2;
}

// A line is complete only with its line break. What an interruption cut off is cut away, and its picture done again.
output.SetLength(complete);
output.Position = output.Length;
HashSet<string> captioned = [.. Encoding.UTF8.GetString(known, 0, (int)output.Length).Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(FileOf)];

using var stop = new CancellationTokenSource();
Console.CancelKeyPress += (_, pressed) =>
{
    pressed.Cancel = true;
    stop.Cancel();
};

using var model = VisionLanguageModel.Load(modelPath, projectorPath);
foreach (string path in pictures)
{
    string name = Path.GetFileName(path);
    if (captioned.Contains(name)) continue;
    try
    {
        GenerationResult result =
            await model.AnswerAsync(
                "Describe this picture.", [await RgbImage.LoadAsync(path, model.ImageOptions, stop.Token)], new GenerationOptions { MaxTokens = 100 }, stop.Token);
        output.Write(Encoding.UTF8.GetBytes(Line(name, result.Text)));
        output.Flush();
        captioned.Add(name);
        Console.Error.Write($"\r{captioned.Count} of {pictures.Length}");
    }
    catch (ImageFormatException problem)
    {
        Console.Error.WriteLine($"\n{problem.Message}");
    }
    catch (OperationCanceledException)
    {
        Console.Error.WriteLine("\nstopped; run the same command to go on");
        return 130;
    }
}

Console.Error.WriteLine();
return 0;

string Line(string file, string caption) => json
    ? JsonSerializer.Serialize(new { file, caption }) + "\n"
    : $"{Quote(file)},{Quote(caption)}\n";

string FileOf(string line) => json
    ? JsonElement.Parse(line).GetProperty("file").GetString()!
    : line[1..line.IndexOf("\",\"", StringComparison.Ordinal)].Replace("\"\"", "\"");

static string Quote(string text) => $"\"{text.Replace("\"", "\"\"").ReplaceLineEndings(" ")}\"";
