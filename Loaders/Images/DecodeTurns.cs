using System.Collections.Concurrent;

namespace TinyMllm.Loaders.Images;

/// <summary>
/// Takes turns at decoding, so that a burst of requests does not hold as many half-decoded pictures:
/// <see cref="ImageOptions.ConcurrentDecodes"/> at once in this process, counted for each such number by itself.
/// </summary>
internal static class DecodeTurns
{
    private static readonly ConcurrentDictionary<int, SemaphoreSlim> s_turns = new();

    /// <summary>Enter before decoding, release after it.</summary>
    public static SemaphoreSlim Of(ImageOptions options) => s_turns.GetOrAdd(options.ConcurrentDecodes, static count => new SemaphoreSlim(count, count));
}
