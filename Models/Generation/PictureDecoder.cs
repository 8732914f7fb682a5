using System.Diagnostics;
using System.Runtime.CompilerServices;
using TinyMllm.Diagnostics;
using TinyMllm.Loaders.Images;

namespace TinyMllm.Generation;

/// <summary>
/// Decodes pictures that requests bring, in turns and on the thread that asks, which is a worker's. A conversation carries its pictures in
/// every request, so the latest ones are kept, up to a bound, as long as whoever brought them lives.
/// </summary>
/// <param name="options">Limits, background, how many at once.</param>
internal sealed class PictureDecoder(ImageOptions options)
{
    /// <summary>Pixels kept, in bytes: a photograph of 20 megapixels, or some twenty of one.</summary>
    internal const long MostKept = 64L << 20;

    private readonly Lock _gate = new();
    private readonly ConditionalWeakTable<object, Kept> _kept = [];
    private readonly Queue<WeakReference<Kept>> _byAge = [];

    /// <summary>Memory for the pictures of one request: those that are too large to be kept go as soon as the request is over.</summary>
    public static PictureMemory CreateMemory() => new(MostKept);

    /// <summary>The picture that <paramref name="content"/> is.</summary>
    /// <param name="content">Whatever holds the file; the same object is the same picture.</param>
    /// <param name="decode">Decodes it.</param>
    /// <param name="scope">How long the picture lives, and what ends the waiting or the decoding.</param>
    /// <exception cref="ImageFormatException">It is no picture, or too large.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public RgbImage Decode(object content, Func<ImageOptions, CancellationToken, RgbImage> decode, PictureScope scope)
    {
        if (Find(content) is { } known) return known;
        SemaphoreSlim turns = DecodeTurns.Of(options);
        long start = Stopwatch.GetTimestamp();
        turns.Wait(scope.Cancellation);
        Telemetry.Waited("decode", start);
        try
        {
            RgbImage image = decode(options with { Memory = scope.Memory }, scope.Cancellation);
            Keep(content, image);
            return image;
        }
        finally
        {
            turns.Release();
        }
    }

    private RgbImage? Find(object content)
    {
        lock (_gate) return _kept.TryGetValue(content, out Kept? kept) ? kept.Image : null;
    }

    private void Keep(object content, RgbImage image)
    {
        if (image.Pixels.Length > MostKept) return;
        lock (_gate)
        {
            var kept = new Kept { Image = image };
            _kept.AddOrUpdate(content, kept);
            _byAge.Enqueue(new WeakReference<Kept>(kept));
            long bytes = _byAge.Sum(entry => entry.TryGetTarget(out Kept? other) ? other.Image?.Pixels.Length ?? 0L : 0L);
            while (bytes > MostKept)
            {
                if (!_byAge.Dequeue().TryGetTarget(out Kept? oldest) || oldest.Image is null) continue;
                bytes -= oldest.Image.Pixels.Length;
                oldest.Image = null;
            }
        }
    }

    private sealed class Kept
    {
        public RgbImage? Image { get; set; }
    }
}

/// <summary>The request that pictures are decoded for.</summary>
/// <param name="Memory">Has the pixels of large ones; null: the heap.</param>
/// <param name="Cancellation">The request's.</param>
internal readonly record struct PictureScope(PictureMemory? Memory, CancellationToken Cancellation);
