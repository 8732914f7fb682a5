namespace TinyMllm.Cli.Support;

/// <summary>The demo model that the repository carries: two GGUF files and sample pictures.</summary>
/// <param name="Folder">Where they lie.</param>
internal sealed record DemoFiles(string Folder)
{
    /// <summary>The questions of the demo model's card, with the answers that come out.</summary>
    public static readonly IReadOnlyList<(string Picture, string Question, string Answer)> Card =
    [
        ("strawberry.png", "What is this?", "a strawberry on a yellow background."),
        ("strawberry.png", "What color is the background?", "yellow."),
        ("cat_and_car.png", "What do you see?", "a car and a cat on a green background."),
        ("cat_and_car.png", "How many objects are there?", "two."),
        ("pizza.png", "What is this?", "a pizza on a green background."),
        ("penguin.png", "What is this?", "a penguin on a red background."),
    ];

    private static readonly string Place = Path.Combine("Models", "Demo");

    public string Model => Path.Combine(Folder, "demo-q8_0.gguf");

    public string Projector => Path.Combine(Folder, "demo-mmproj-q8_0.gguf");

    public string Sample(string name) => Path.Combine(Folder, "samples", name);

    /// <summary>Looks in the working directory and the program's folder, and in every folder above them.</summary>
    /// <exception cref="UsageException">It is in none of them.</exception>
    public static DemoFiles Find()
    {
        foreach (string start in new[] { Directory.GetCurrentDirectory(), AppContext.BaseDirectory })
        {
            for (DirectoryInfo? folder = new(start); folder is not null; folder = folder.Parent)
            {
                foreach (string candidate in new[] { Path.Combine(folder.FullName, Place), Path.Combine(folder.FullName, "demo") })
                {
                    var files = new DemoFiles(candidate);
                    if (File.Exists(files.Model) && File.Exists(files.Projector)) return files;
                }
            }
        }

        throw new UsageException(
            $"the demo model ({Place}) is neither in this folder nor beside the program; run it from the repository, or pull a model: tinymllm pull smolvlm:256m");
    }
}
