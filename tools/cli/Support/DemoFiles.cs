namespace TinyMllm.Cli.Support;

/// <summary>The demo model that the repository carries: two GGUF files and sample pictures.</summary>
/// <param name="Folder">Where they lie.</param>
internal sealed record DemoFiles(string Folder)
{
    /// <summary>The questions of the demo model's card, with the answers that come out.</summary>
    public static readonly IReadOnlyList<(string Picture, string Question, string Answer)> Card =
    [
        ("strawberry.png", "What is this?", "a strawberry."),
        ("strawberry.png", "What color is the background?", "yellow."),
        ("cat_and_car.png", "What do you see?", "a cat and a car on a green background."),
        ("cat_and_car.png", "Where is the cat?", "at the top left."),
        ("cat_and_car.png", "Is there a dog?", "no."),
        ("sweets.png", "How many objects are there?", "three."),
        ("sweets.png", "Which is higher, the cookie or the donut?", "the donut."),
        ("balloons.png", "How many balloons are there?", "two."),
        ("balloons.png", "Where is the present?", "at the top right."),
        ("sign.png", "What does the sign say?", "STOP."),
        ("sign.png", "Is the owl below the sign?", "yes."),
        ("pizza.png", "Describe the picture.", "a pizza on a green background."),
        ("penguin.png", "What is this?", "a penguin."),
    ];

    /// <summary>Questions that suit any drawn scene.</summary>
    public static readonly string[] General = ["What do you see?", "How many objects are there?", "What color is the background?"];

    private static readonly string Place = Path.Combine("Models", "Demo");

    public string Model => Path.Combine(Folder, "demo-q8_0.gguf");

    public string Projector => Path.Combine(Folder, "demo-mmproj-q8_0.gguf");

    /// <summary>Questions and pictures that training never saw.</summary>
    public string HeldOut => Path.Combine(Folder, "heldout.zip");

    public string Sample(string name) => Path.Combine(Folder, "samples", name);

    /// <summary>Looks for a checkout in the working directory, the program's folder and every folder above them, then beside the program.</summary>
    /// <exception cref="UsageException">It is in none of them.</exception>
    public static DemoFiles Find()
    {
        IEnumerable<string> candidates = new[] { Directory.GetCurrentDirectory(), AppContext.BaseDirectory }
            .SelectMany(FolderAndAbove).Select(folder => Path.Combine(folder, Place)).Append(Path.Combine(AppContext.BaseDirectory, "demo"));
        foreach (string candidate in candidates)
        {
            var files = new DemoFiles(candidate);
            if (File.Exists(files.Model) && File.Exists(files.Projector)) return files;
        }

        throw new UsageException(
            $"the demo model ({Place}) is neither in this folder nor beside the program; run it from the repository, or pull a model: tinymllm pull smolvlm:256m");
    }

    private static IEnumerable<string> FolderAndAbove(string start)
    {
        for (DirectoryInfo? folder = new(start); folder is not null; folder = folder.Parent) yield return folder.FullName;
    }
}
