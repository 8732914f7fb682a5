using System.IO.Compression;
using System.Reflection;
using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;
using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.RegularExpressions;
using TinyMllm.Tests.Support;
using static TinyMllm.Tests.Support.Programs;

namespace TinyMllm.Tests.Api;

/// <summary>The packages as a user meets them: packed, installed into a fresh console app from a local folder, run, and published
/// trimmed.</summary>
[TestFixture]
[Category("Slow")]
public sealed partial class PackageTests
{
    private static readonly string Version = typeof(VisionLanguageModel).Assembly.GetName().Version!.ToString(3);
    private static readonly string[] Libraries = ["TinyMllm.Kernels", "TinyMllm.Engine", "TinyMllm.Loaders", "TinyMllm", ImageSharpAdapter];

    private const string ImageSharpAdapter = "TinyMllm.ImageSharp";

    private static readonly string Configuration =
        AppContext.BaseDirectory.Contains($"{Path.DirectorySeparatorChar}Debug{Path.DirectorySeparatorChar}") ? "Debug" : "Release";

    private string _folder = "";

    private string Feed => Path.Combine(_folder, "feed");

    private string App => Path.Combine(_folder, "app");

    [OneTimeSetUp]
    public void PackAndCreate()
    {
        _folder = Directory.CreateTempSubdirectory("tinymllm-packages-").FullName;
        Dotnet(Golden.Root, "pack", "TinyMllm.sln", "--no-build", "-c", Configuration, $"-p:PackageOutputPath={Feed}");

        Directory.CreateDirectory(App);
        string cached = Environment.GetEnvironmentVariable("NUGET_PACKAGES")
            ?? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".nuget", "packages");

        // A packages folder of its own, so that no older build of the same version is taken; what others made comes from where it already
        // lies.
        File.WriteAllText(Path.Combine(App, "nuget.config"), $"""
            <configuration>
              <config><add key="globalPackagesFolder" value="{Path.Combine(_folder, "packages")}" /></config>
              <fallbackPackageFolders><add key="machine" value="{cached}" /></fallbackPackageFolders>
              <packageSources><add key="feed" value="{Feed}" /></packageSources>
            </configuration>
            """);
        File.WriteAllText(Path.Combine(App, "app.csproj"), $"""
            <Project Sdk="Microsoft.NET.Sdk">
              <PropertyGroup>
                <OutputType>Exe</OutputType>
                <TargetFramework>net10.0</TargetFramework>
                <ImplicitUsings>enable</ImplicitUsings>
                <InvariantGlobalization>true</InvariantGlobalization>
              </PropertyGroup>
              <ItemGroup><PackageReference Include="TinyMllm" Version="{Version}" /></ItemGroup>
              <!-- Trimming looks at all of the packages, not only at what this program happens to call. -->
              <ItemGroup Condition="'$(PublishTrimmed)' == 'true'">
                <TrimmerRootAssembly Include="TinyMllm.Kernels;TinyMllm.Engine;TinyMllm.Loaders;TinyMllm" />
              </ItemGroup>
            </Project>
            """);
        File.WriteAllText(Path.Combine(App, "Program.cs"), """"
            using System.Text.Json;
            using Microsoft.Extensions.AI;
            using TinyMllm;
            using TinyMllm.Loaders.Images;

            using var model = VisionLanguageModel.Load(args[0], args[1]);
            await foreach (var piece in model.GenerateAsync("What do you see?", RgbImage.Load(args[2])))
                Console.Write(piece);

            JsonElement schema = JsonElement.Parse("""{"type":"object","properties":{"seen":{"type":"boolean"}},"required":["seen"],"additionalProperties":false}""");
            var picture = new DataContent(File.ReadAllBytes(args[2]), "image/png");
            ChatResponse response = await model.AsChatClient().GetResponseAsync(
                [new ChatMessage(ChatRole.User, [picture, new TextContent("What do you see?")])],
                new ChatOptions { ResponseFormat = ChatResponseFormat.ForJsonSchema(schema) });
            Console.Write(JsonElement.Parse(response.Text).GetProperty("seen").ValueKind is JsonValueKind.True or JsonValueKind.False);
            """");
    }

    [OneTimeTearDown]
    public void Remove() => Directory.Delete(_folder, recursive: true);

    [Test]
    public void OnlyTheLibrariesAndTheToolArePacked()
    {
        string[] files = [.. Libraries.Append("TinyMllm.Cli").SelectMany(name => new[] { $"{name}.{Version}.nupkg", $"{name}.{Version}.snupkg" })];
        Assert.That(Directory.GetFiles(Feed).Select(Path.GetFileName), Is.EquivalentTo(files));
    }

    [Test]
    public void PackagesGoWhereGitDoesNotLook()
    {
        Assert.That(File.ReadAllLines(Path.Combine(Golden.Root, ".gitignore")), Does.Contain("artifacts/"));
        foreach (string project in new[] { "Kernels", "Models", Path.Combine("tools", "cli") })
        {
                Assert.That(Path.TrimEndingDirectorySeparator(Run("dotnet", Golden.Root, "msbuild", project, "-getProperty:PackageOutputPath").Trim()),
                    Is.EqualTo(Path.Combine(Golden.Root, "artifacts", "packages")), project);
        }
    }

    [Test]
    public void PackagesCarryWhatTheyShould()
    {
        foreach (string package in Libraries.Append("TinyMllm.Cli"))
        {
            using ZipArchive archive = ZipFile.OpenRead(Path.Combine(Feed, $"{package}.{Version}.nupkg"));
            string[] entries = [.. archive.Entries.Select(entry => entry.FullName)];
            Assert.That(entries, Does.Contain("README.md").And.Contain("LICENSE").And.Contain("icon.png"), package);
            Assert.That(LinkPattern().Matches(Text(archive, "README.md")).Select(link => link.Groups[1].Value).Where(link => !link.StartsWith("https://", StringComparison.Ordinal)),
                Is.Empty, $"{package}: nothing lies behind a relative link");
            if (package != "TinyMllm.Cli")
            {
                string documentation = entries.Single(entry => entry.StartsWith("lib/", StringComparison.Ordinal) && entry.EndsWith(".xml", StringComparison.Ordinal));
                Assert.That(Text(archive, documentation), Does.Contain("<member name=\"T:TinyMllm."), package);
            }

            if (package == "TinyMllm.Kernels") Assert.That(entries, Does.Contain("buildTransitive/TinyMllm.Kernels.targets"));
        }
    }

    [Test]
    public void PackagesHoldNothingNative()
    {
        foreach (string package in Libraries.Append("TinyMllm.Cli"))
        {
            using ZipArchive archive = ZipFile.OpenRead(Path.Combine(Feed, $"{package}.{Version}.nupkg"));
            Assert.That(archive.Entries.Select(entry => entry.FullName).Where(name => NativeFilePattern().IsMatch(name)), Is.Empty, package);
            // The tool's own packages may call the system (Spectre.Console asks Windows about the terminal); ours do not, but for one call.
            foreach (ZipArchiveEntry assembly in archive.Entries.Where(entry => OwnAssemblyPattern().IsMatch(entry.Name)))
                Assert.That(NativeImports(Bytes(assembly)), Is.EqualTo(AllowedImports(assembly.Name)), $"{package}: {assembly.FullName}");
        }
    }

    /// <summary>A debugger steps into the library without network or repository.</summary>
    [Test]
    public void SymbolsHoldTheSources()
    {
        var embeddedSource = new Guid("0E8A571B-6926-466E-B4AD-8AB04611F5FE");
        foreach (string package in Libraries)
        {
            using ZipArchive archive = ZipFile.OpenRead(Path.Combine(Feed, $"{package}.{Version}.snupkg"));
            using var provider =
                MetadataReaderProvider.FromPortablePdbStream(Bytes(archive.Entries.Single(entry => entry.Name.EndsWith(".pdb", StringComparison.Ordinal))));
            MetadataReader symbols = provider.GetMetadataReader();
            Assert.That(symbols.Documents, Has.Count.GreaterThan(package == ImageSharpAdapter ? 1 : 10), package);
            foreach (DocumentHandle document in symbols.Documents)
            {
                    Assert.That(symbols.GetCustomDebugInformation(document).Select(handle => symbols.GetGuid(symbols.GetCustomDebugInformation(handle).Kind)),
                        Does.Contain(embeddedSource), symbols.GetString(symbols.GetDocument(document).Name));
            }
        }
    }

    [Test]
    public void TheRepositorysAddressReachesThePackage()
    {
        const string address = "https://example.org/someone/tinymllm";
        string folder = Path.Combine(_folder, "addressed");
        Dotnet(Golden.Root, "pack", "Kernels", "--no-build", "-c", Configuration, $"-p:PackageOutputPath={folder}", $"-p:TinyMllmRepositoryUrl={address}");
        using ZipArchive archive = ZipFile.OpenRead(Path.Combine(folder, $"TinyMllm.Kernels.{Version}.nupkg"));
        Assert.That(Text(archive, "README.md"), Does.EndWith($"Documentation, samples and source: <{address}>\n"));
        Assert.That(Text(archive, "TinyMllm.Kernels.nuspec"), Does.Contain($"<projectUrl>{address}</projectUrl>").And.Contain($"<repository type=\"git\" url=\"{address}\""));
    }

    [Test]
    public void AFreshAppAnswersAndHoldsNothingNative()
    {
        string output = Path.Combine(_folder, "plain");
        Dotnet(App, "build", "-c", "Release", "-o", output);
        Assert.That(Run("dotnet", App, Path.Combine(output, "app.dll"), Demo.ModelPath, Demo.ProjectorPath, Demo.Sample("pizza")),
            Is.EqualTo("a pizza on a green background.True"));

        using var assets = JsonDocument.Parse(File.ReadAllText(Path.Combine(App, "obj", "project.assets.json")));
        foreach (JsonProperty target in assets.RootElement.GetProperty("targets").EnumerateObject())
        {
            foreach (JsonProperty library in target.Value.EnumerateObject())
            {
                Assert.That(library.Value.TryGetProperty("native", out _), Is.False, library.Name);
                if (library.Value.TryGetProperty("runtimeTargets", out JsonElement runtimes))
                {
                    Assert.That(runtimes.GetRawText(),
                        Does.Not.Contain("\"native\""), library.Name);
                }
            }
        }

        string[] assemblies = Directory.GetFiles(output, "*.dll");
        Assert.That(assemblies, Has.Length.GreaterThanOrEqualTo(Libraries.Length + 1));
        foreach (string assembly in assemblies) Assert.That(NativeImports(File.OpenRead(assembly)), Is.EqualTo(AllowedImports(assembly)), assembly);
    }

    [Test]
    public void ATrimmedAppAnswers()
    {
        string output = Path.Combine(_folder, "trimmed"), rid = RuntimeInformation.RuntimeIdentifier;
        string[] settings = ["-c", "Release", "-r", rid, "--self-contained", "-p:PublishTrimmed=true", "-p:TrimmerSingleWarn=false",
            "-p:TreatWarningsAsErrors=true", "-o", output];
        (int code, string log) = TryRun("dotnet", App, ["publish", .. settings]);
        if (code != 0 && log.Contains("NU110", StringComparison.Ordinal))
        {
            Assert.Ignore(
                $"no registry here has the runtime pack of {rid}: a self-contained app cannot be made");
        }

        Assert.That(code, Is.Zero, log);
        string app = Path.Combine(output, OperatingSystem.IsWindows() ? "app.exe" : "app");
        Assert.That(Run(app, App, Demo.ModelPath, Demo.ProjectorPath, Demo.Sample("penguin")),
            Is.EqualTo("a penguin on a red background.True"));
    }

    /// <summary>Ahead of time, x64 has no AVX2 unless it is asked for; an app need not know that.</summary>
    [Test]
    public void AnAppCompiledAheadOfTimeGetsTheWideKernels()
    {
        Dotnet(App, "restore");
        string InstructionSet(params string[] properties) =>
            Run("dotnet", App, ["msbuild", "-getProperty:IlcInstructionSet", .. properties.Select(property => "-p:" + property)]).Trim();
        Assert.Multiple(() =>
        {
            Assert.That(InstructionSet("PublishAot=true", "RuntimeIdentifier=linux-x64"), Is.EqualTo("x86-64-v3"));
            Assert.That(InstructionSet("PublishAot=true", "RuntimeIdentifier=win-x64"), Is.EqualTo("x86-64-v3"));
            Assert.That(InstructionSet("PublishAot=true", "RuntimeIdentifier=linux-arm64"), Is.Empty);
            Assert.That(InstructionSet("PublishAot=true", "RuntimeIdentifier=linux-x64", "IlcInstructionSet=x86-64-v4"), Is.EqualTo("x86-64-v4"));
            Assert.That(InstructionSet("RuntimeIdentifier=linux-x64"), Is.Empty);
        });
    }

    [Test]
    public void AnInstalledToolHasItsDemo()
    {
        string tools = Path.Combine(_folder, "tools"), elsewhere = Directory.CreateDirectory(Path.Combine(_folder, "elsewhere")).FullName;
        Dotnet(App, "tool", "install", "TinyMllm.Cli", "--version", Version, "--tool-path", tools, "--configfile", Path.Combine(App, "nuget.config"));
        string tool = Path.Combine(tools, OperatingSystem.IsWindows() ? "tinymllm.exe" : "tinymllm");
        Assert.That(Run(tool, elsewhere, "demo"), Does.Contain("a pizza on a green background."));
        Assert.That(Run(tool, elsewhere, "--help"), Does.Contain("Exit codes:"));
    }

    [Test]
    public void TheDocumentationsSnippetsCompile()
    {
        string folder = Directory.CreateDirectory(Path.Combine(App, "..", "snippets")).FullName;
        foreach (string name in new[] { "nuget.config", "app.csproj" }) File.Copy(Path.Combine(App, name), Path.Combine(folder, name));
        string[] pages = ["README.md", Path.Combine("packaging", "README.md"), .. Directory.GetFiles(Path.Combine(Golden.Root, "docs"), "*.md").Select(page => Path.Combine("docs", Path.GetFileName(page)))];
        int count = 0;
        foreach (string snippet in pages.SelectMany(Snippets.Of).Where(snippet => !Snippets.IsInternal(snippet)))
            File.WriteAllText(Path.Combine(folder, $"Snippet{++count}.cs"), Snippets.Wrap(snippet, $"Snippet{count}"));
        Assert.That(count, Is.GreaterThanOrEqualTo(5));
        File.WriteAllText(Path.Combine(folder, "Given.cs"), """
            global using Microsoft.Extensions.DependencyInjection; // As in every ASP.NET app.
            using TinyMllm;
            using TinyMllm.Loaders.Images;

            class Given
            {
                protected static readonly VisionLanguageModel model = null!;
                protected static readonly RgbImage image = null!;
                protected static readonly (IServiceCollection Services, string Host) builder = default;
                static void Main() { }
            }
            """);
        Dotnet(folder, "add", "package", ImageSharpAdapter, "--version", Version);
        Dotnet(folder, "build", "-c", "Release", "-o", Path.Combine(folder, "out"), "-warnaserror", "-p:Nullable=enable");
    }

    /// <summary>Names of the native libraries that the methods of an assembly call, one per method.</summary>
    private static string[] NativeImports(Stream assembly)
    {
        using var file = new PEReader(assembly);
        Assert.That(file.HasMetadata);
        MetadataReader reader = file.GetMetadataReader();
        return [.. reader.MethodDefinitions.Select(handle => reader.GetMethodDefinition(handle)).Where(method => method.Attributes.HasFlag(MethodAttributes.PinvokeImpl))
            .Select(method => reader.GetString(reader.GetModuleReference(method.GetImport().Module).Name))];
    }

    /// <summary>The one call is madvise, for huge pages; the system's own library has it.</summary>
    private static string[] AllowedImports(string assembly) => Path.GetFileName(assembly) == "TinyMllm.Engine.dll" ? ["libc"] : [];

    private static MemoryStream Bytes(ZipArchiveEntry entry)
    {
        var bytes = new MemoryStream();
        using (Stream packed = entry.Open()) packed.CopyTo(bytes);
        bytes.Position = 0;
        return bytes;
    }

    private static string Text(ZipArchive archive, string entry)
    {
        using var reader = new StreamReader(archive.GetEntry(entry)!.Open());
        return reader.ReadToEnd();
    }

    [GeneratedRegex(@"\]\(([^)]+)\)")]
    private static partial Regex LinkPattern();

    [GeneratedRegex(@"^tinymllm.*\.dll$", RegexOptions.IgnoreCase)]
    private static partial Regex OwnAssemblyPattern();

    [GeneratedRegex(@"^runtimes/|\.(so|dylib|a|lib|node)$|/native/")]
    private static partial Regex NativeFilePattern();
}
