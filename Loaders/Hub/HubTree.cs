using System.Text.Json;
using System.Text.RegularExpressions;

namespace TinyMllm.Loaders.Hub;

/// <summary>Reads a repository's list of files: <c>/api/models/REPO/tree/REVISION?recursive=true</c>, page after page.</summary>
internal static partial class HubTree
{
    private const int MaxPages = 100;
    private const int MaxPageBytes = 16 << 20;

    public static async Task<IReadOnlyList<HubFile>> ListAsync(
        HubTransport transport, string repository, string revision, int maxAttempts, Action? waiting, CancellationToken cancellationToken)
    {
        var files = new List<HubFile>();
        Uri? page = transport.Address($"api/models/{repository}/tree/{Uri.EscapeDataString(revision)}?recursive=true");
        Uri first = page;
        for (int count = 0; page is not null && count < MaxPages; count++)
        {
            Uri address = page;
            await transport.RetryAsync(repository, async stop =>
            {
                using HttpResponseMessage response = await transport.GetAsync(address, 0, repository, stop).ConfigureAwait(false);
                byte[] body = await ReadAllAsync(transport, response, repository, stop).ConfigureAwait(false);
                files.AddRange(Parse(body, repository));
                page = NextPage(response, address);
                if (page is not null && page.Authority != first.Authority) page = null;
            }, () => 0, waiting, maxAttempts, cancellationToken).ConfigureAwait(false);
        }

        return files;
    }

    private static async Task<byte[]> ReadAllAsync(HubTransport transport, HttpResponseMessage response, string what,
        CancellationToken cancellationToken)
    {
        using Stream stream = await response.Content.ReadAsStreamAsync(cancellationToken).ConfigureAwait(false);
        using var memory = new MemoryStream();
        byte[] buffer = new byte[16384];
        while (true)
        {
            int read = await transport.WithStallTimeout(stall => stream.ReadAsync(buffer, stall).AsTask(), cancellationToken)
                .ConfigureAwait(false);
            if (read == 0) return memory.ToArray();
            if (memory.Length + read > MaxPageBytes)
                throw new HubException(HubError.Corrupt, $"{what}: the list of files is longer than {MaxPageBytes >> 20} MiB");
            memory.Write(buffer, 0, read);
        }
    }

    private static List<HubFile> Parse(byte[] body, string repository)
    {
        var files = new List<HubFile>();
        try
        {
            using var document = JsonDocument.Parse(body);
            foreach (JsonElement item in document.RootElement.EnumerateArray())
            {
                if (item.GetProperty("type").GetString() != "file") continue;
                string path = item.GetProperty("path").GetString() ?? "";
                long size = item.GetProperty("size").GetInt64();
                if (!HubReference.IsSafePath(path) || size < 0)
                {
                        throw new HubException(HubError.Corrupt,
                            $"{repository}: the hub lists a file with an unusable name or size ('{path}', {size} bytes)");
                }

                string? sha256 = item.TryGetProperty("lfs", out JsonElement lfs) && lfs.ValueKind == JsonValueKind.Object
                    ? lfs.GetProperty("oid").GetString() : null;
                string? git = sha256 is null && item.TryGetProperty("oid", out JsonElement oid) ? oid.GetString() : null;
                files.Add(new HubFile(path, size, Hash(sha256, 64, path), Hash(git, 40, path)));
            }
        }
        catch (Exception broken) when (broken is JsonException or KeyNotFoundException or InvalidOperationException or FormatException)
        {
            throw new HubException(HubError.Corrupt,
                $"{repository}: the hub's list of files cannot be read ({broken.Message.ReplaceLineEndings(" ")})", broken);
        }

        return files;
    }

    private static string? Hash(string? hash, int length, string path)
    {
        if (hash is null) return null;
        if (hash.StartsWith("sha256:", StringComparison.Ordinal)) hash = hash[7..];
        return hash.Length == length && hash.All(char.IsAsciiHexDigit)
            ? hash.ToLowerInvariant()
            : throw new HubException(HubError.Corrupt, $"{path}: the hub lists '{hash}' as its hash, expected {length} hexadecimal digits");
    }

    private static Uri? NextPage(HttpResponseMessage response, Uri address)
    {
        if (!response.Headers.TryGetValues("Link", out IEnumerable<string>? links)) return null;
        Match next = NextLink().Match(string.Join(",", links));
        return next.Success ? new Uri(address, next.Groups[1].Value) : null;
    }

    [GeneratedRegex("""<([^>]+)>\s*;\s*rel="?next"?""")]
    private static partial Regex NextLink();
}
