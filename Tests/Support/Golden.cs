namespace TinyMllm.Tests.Support;

/// <summary>
/// The goldens: packed in <c>Tests/Fixtures/goldens/*.tar.br</c>, unpacked once beside the test assembly. A folder or file that lies unpacked in
/// <c>Tests/Fixtures/goldens</c> counts as well and comes first.
/// </summary>
public static class Golden
{
    /// <summary>The repository's root folder.</summary>
    public static string Root { get; } = FindRoot();

    /// <summary>The folder with the archives and with what is not packed.</summary>
    public static string Fixtures { get; } = System.IO.Path.Combine(Root, "Tests", "Fixtures", "goldens");

    private static readonly Lazy<string> Unpacked =
        new(() => GoldenArchives.Unpack(Fixtures, System.IO.Path.Combine(AppContext.BaseDirectory, "goldens")));

    /// <summary>Full path of a golden file or folder such as <c>llm/llama/model.gguf</c>.</summary>
    /// <exception cref="FileNotFoundException">There is none. A test never passes or steps aside because its golden is missing.</exception>
    public static string Path(string relative) =>
        Places.Select(place => System.IO.Path.Combine(place, relative)).FirstOrDefault(System.IO.Path.Exists)
        ?? throw new FileNotFoundException($"no golden {relative}, neither in the archives of {Fixtures} nor beside them");

    /// <summary>Names of the folders below <paramref name="relative"/>, sorted; for test case sources.</summary>
    public static string[] Folders(string relative) =>
    [
        .. Places.Select(place => System.IO.Path.Combine(place, relative)).Where(Directory.Exists)
            .SelectMany(Directory.GetDirectories).Select(folder => System.IO.Path.GetFileName(folder)!)
            .Distinct().Order(StringComparer.Ordinal),
    ];

    private static string[] Places => [Fixtures, Unpacked.Value];

    private static string FindRoot()
    {
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
            if (File.Exists(System.IO.Path.Combine(folder.FullName, "TinyMllm.sln"))) return folder.FullName;
        throw new DirectoryNotFoundException("TinyMllm.sln not found above the test assembly");
    }
}
