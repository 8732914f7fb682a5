using System.Text.Json;
using TinyMllm.Loaders.Files;

namespace TinyMllm.Loaders.Hub;

/// <summary>
/// The folder of downloaded models: <c>hub/OWNER/REPO/REVISION/FILE</c>, and beside the files of a revision an <c>index.json</c> that names
/// those
/// which are complete and checked. What is not in the index is a download under way (<c>….part</c>).
/// </summary>
public sealed class HubCache
{
    private const string IndexName = "index.json";
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    private readonly string _root;

    /// <summary>Opens the cache; nothing is created before the first download.</summary>
    /// <param name="cacheFolder">See <see cref="HubOptions.CacheFolder"/>.</param>
    public HubCache(string cacheFolder) => _root = Path.GetFullPath(Path.Combine(cacheFolder, "hub"));

    /// <summary>A repository's revision that has complete files here.</summary>
    /// <param name="Repository"><c>OWNER/REPO</c>.</param>
    /// <param name="Revision">Branch, tag or commit.</param>
    /// <param name="Files">Complete files.</param>
    /// <param name="Folder">Where they lie.</param>
    public sealed record Entry(string Repository, string Revision, IReadOnlyList<HubFile> Files, string Folder)
    {
        /// <summary>Bytes of all files together.</summary>
        public long Size => Files.Sum(file => file.Size);
    }

    /// <summary>Every revision of every repository that has complete files, by name.</summary>
    public IReadOnlyList<Entry> List()
    {
        if (!Directory.Exists(_root)) return [];
        return
        [
            .. Directory.EnumerateFiles(_root, IndexName, SearchOption.AllDirectories)
                .Select(index => Path.GetRelativePath(_root, Path.GetDirectoryName(index)!).Replace('\\', '/').Split('/', 3))
                .Where(names => names.Length == 3)
                .Select(names => Find($"{names[0]}/{names[1]}", names[2]))
                .OfType<Entry>()
                .OrderBy(entry => entry.Repository, StringComparer.OrdinalIgnoreCase),
        ];
    }

    /// <summary>The complete files of one revision, or null if there are none.</summary>
    /// <param name="repository"><c>OWNER/REPO</c>.</param>
    /// <param name="revision">Branch, tag or commit.</param>
    public Entry? Find(string repository, string revision)
    {
        string folder = Folder(repository, revision);
        HubFile[] files = [.. ReadIndex(folder)
            .Where(file => new FileInfo(PathOf(folder, file)) is { Exists: true } info && info.Length == file.Size)];
        return files.Length == 0 ? null : new Entry(repository, revision, files, folder);
    }

    /// <summary>Removes a repository's revision, partial downloads included.</summary>
    /// <param name="reference">What to remove; with a selector that names a file, that file alone.</param>
    /// <returns>Bytes that were freed; 0 if nothing was there.</returns>
    public long Remove(HubReference reference)
    {
        string folder = Folder(reference.Repository, reference.Revision);
        if (!Directory.Exists(folder)) return 0;
        if (reference.Selector is { } selector && selector.EndsWith(".gguf", StringComparison.OrdinalIgnoreCase))
            return RemoveFile(folder, selector);

        long freed = Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories).Sum(path => new FileInfo(path).Length);
        Directory.Delete(folder, recursive: true);
        string? parent = Path.GetDirectoryName(folder);
        while (parent is not null && parent.Length > _root.Length && !Directory.EnumerateFileSystemEntries(parent).Any())
        {
            Directory.Delete(parent);
            parent = Path.GetDirectoryName(parent);
        }

        return freed;
    }

    /// <summary>Folder of a revision; the names are checked, so that it always lies below the cache.</summary>
    internal string Folder(string repository, string revision)
    {
        if (!HubReference.IsSafePath(repository) || !HubReference.IsSafePath(revision))
            throw new HubException(HubError.BadReference, $"'{repository}@{revision}' cannot name a folder");
        return Path.Combine([_root, .. repository.Split('/'), .. revision.Split('/')]);
    }

    /// <summary>Full path of a repository's file inside its revision's folder.</summary>
    internal static string PathOf(string folder, HubFile file) => Path.Combine([folder, .. file.Path.Split('/')]);

    /// <summary>Whether this very content is already here, complete and checked.</summary>
    internal static bool Holds(string folder, HubFile file) =>
        ReadIndex(folder).Any(known => known.Path == file.Path && known.Size == file.Size
            && (file.Sha256 is null || known.Sha256 == file.Sha256))
        && new FileInfo(PathOf(folder, file)) is { Exists: true } info && info.Length == file.Size;

    /// <summary>Writes a finished file into the index.</summary>
    internal static void Register(string folder, HubFile file)
    {
        using (LockIndex(folder)) WriteIndex(folder, [.. ReadIndex(folder).Where(known => known.Path != file.Path), file]);
    }

    private static long RemoveFile(string folder, string name)
    {
        using (LockIndex(folder))
        {
            HubFile[] files = ReadIndex(folder);
            HubFile? file = files.FirstOrDefault(known => known.Path == name || known.Name == name);
            if (file is null) return 0;
            File.Delete(PathOf(folder, file));
            WriteIndex(folder, [.. files.Where(known => known != file)]);
            return file.Size;
        }
    }

    private static HubFile[] ReadIndex(string folder)
    {
        string index = Path.Combine(folder, IndexName);
        if (!File.Exists(index)) return [];
        try
        {
            using var document = JsonDocument.Parse(File.ReadAllBytes(index));
            return
            [
                .. document.RootElement.GetProperty("files").EnumerateArray()
                    .Select(file => new HubFile(file.GetProperty("path").GetString()!, file.GetProperty("size").GetInt64(),
                        file.TryGetProperty("sha256", out JsonElement hash) ? hash.GetString() : null))
                    .Where(file => HubReference.IsSafePath(file.Path)),
            ];
        }
        catch (Exception broken) when (broken is JsonException or KeyNotFoundException or InvalidOperationException or FormatException)
        {
            return []; // An unreadable index costs a listing and a check of hashes, not a download.
        }
    }

    /// <summary>One thread of one process at a time reads the index, changes and writes it: else entries of others get lost.</summary>
    private static IDisposable LockIndex(string folder) => FileLock.Wait(Path.Combine(folder, IndexName + ".lock"), Patience);

    private static void WriteIndex(string folder, HubFile[] files)
    {
        using var file = OutputFile.Create(Path.Combine(folder, IndexName));
        using (var json = new Utf8JsonWriter(file.Stream, new JsonWriterOptions { Indented = true }))
        {
            json.WriteStartObject();
            json.WriteStartArray("files");
            foreach (HubFile entry in files)
            {
                json.WriteStartObject();
                json.WriteString("path", entry.Path);
                json.WriteNumber("size", entry.Size);
                if (entry.Sha256 is not null) json.WriteString("sha256", entry.Sha256);
                json.WriteEndObject();
            }

            json.WriteEndArray();
            json.WriteEndObject();
        }

        file.Commit();
    }
}
