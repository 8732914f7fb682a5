namespace TinyMllm.Loaders.Hub;

/// <summary>Where models come from, where they are kept, and how patient a download is.</summary>
public sealed record HubOptions
{
    /// <summary>Address of the hub, without a trailing slash; <c>HF_ENDPOINT</c> or <c>https://huggingface.co</c>.</summary>
    public string Endpoint { get; init; } = DefaultEndpoint;

    /// <summary>Access token for gated and private repositories; <c>HF_TOKEN</c>. Sent to the endpoint's own host only, never to one it
    /// redirects to.</summary>
    public string? Token { get; init; } = Variable("HF_TOKEN");

    /// <summary>Folder that keeps downloaded models; <c>TINYMLLM_CACHE</c>, else the user's cache folder for this system.</summary>
    public string CacheFolder { get; init; } = DefaultCacheFolder;

    /// <summary>Never touch the network; <c>HF_HUB_OFFLINE=1</c>.</summary>
    public bool Offline { get; init; } = Variable("HF_HUB_OFFLINE") is "1" or "true" or "TRUE";

    /// <summary>How many failures in a row, none of which brought a single byte, end a download.</summary>
    public int MaxAttempts { get; init; } = 6;

    /// <summary>Wait before the first retry; it doubles with every failure, up to 30 seconds.</summary>
    public TimeSpan RetryDelay { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>A connection on which nothing arrives for this long counts as dropped.</summary>
    public TimeSpan StallTimeout { get; init; } = TimeSpan.FromSeconds(30);

    private static string DefaultEndpoint => (Variable("HF_ENDPOINT") ?? "https://huggingface.co").TrimEnd('/');

    private static string DefaultCacheFolder
    {
        get
        {
            if (Variable("TINYMLLM_CACHE") is { } chosen) return chosen;
            string home = Environment.GetFolderPath(Environment.SpecialFolder.UserProfile);
            string caches =
                OperatingSystem.IsWindows() ? Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData)
                : OperatingSystem.IsMacOS() ? Path.Combine(home, "Library", "Caches")
                : Variable("XDG_CACHE_HOME") ?? Path.Combine(home, ".cache");
            return Path.Combine(caches, "tinymllm");
        }
    }

    private static string? Variable(string name) => Environment.GetEnvironmentVariable(name) is { Length: > 0 } value ? value : null;
}
