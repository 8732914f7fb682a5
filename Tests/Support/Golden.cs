namespace TinyMllm.Tests.Support;

/// <summary>Where the goldens lie: <c>Tests/Fixtures/goldens</c>, else <c>../shared/goldens</c> beside the repository.</summary>
public static class Golden
{
    /// <summary>The repository's root folder.</summary>
    public static string Root { get; } = FindRoot();

    /// <summary>Full path of a golden file or folder such as <c>llm/llama/model.gguf</c>; ignores the test when neither place has it.</summary>
    public static string Path(string relative)
    {
        foreach (string place in Places)
        {
            string path = System.IO.Path.Combine(place, relative);
            if (File.Exists(path) || File.Exists(path + ".gz") || Directory.Exists(path)) return path;
        }

        Assert.Ignore($"golden {relative} is neither in Tests/Fixtures nor beside the repository");
        return "";
    }

    /// <summary>Names of the folders below <paramref name="relative"/>, over both places, sorted; for test case sources.</summary>
    public static string[] Folders(string relative) =>
    [
        .. Places.Select(place => System.IO.Path.Combine(place, relative)).Where(Directory.Exists)
            .SelectMany(Directory.GetDirectories).Select(folder => System.IO.Path.GetFileName(folder)!)
            .Distinct().Order(StringComparer.Ordinal),
    ];

    private static string[] Places =>
    [
        System.IO.Path.Combine(Root, "Tests", "Fixtures", "goldens"),
        System.IO.Path.Combine(Root, "..", "shared", "goldens"),
    ];

    private static string FindRoot()
    {
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
            if (File.Exists(System.IO.Path.Combine(folder.FullName, "TinyMllm.sln"))) return folder.FullName;
        throw new DirectoryNotFoundException("TinyMllm.sln not found above the test assembly");
    }
}
