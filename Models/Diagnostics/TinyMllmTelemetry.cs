namespace TinyMllm.Diagnostics;

/// <summary>
/// The names under which models report what they do to <see cref="System.Diagnostics.ActivitySource"/> and
/// <see cref="System.Diagnostics.Metrics.Meter"/>, for OpenTelemetry or <c>dotnet-counters</c>; docs/telemetry.md explains them. Nothing
/// that users write or models answer is reported. Durations are in seconds.
/// </summary>
public static class TinyMllmTelemetry
{
    /// <summary>Name of the activity source and of the meter.</summary>
    public const string SourceName = "TinyMllm";

    /// <summary>Activity: a model is loaded.</summary>
    public const string LoadActivity = "tinymllm.load";

    /// <summary>Activity: a request, from its first reading to its last token.</summary>
    public const string RequestActivity = "tinymllm.request";

    /// <summary>Activity within a request: a picture, or one tile of it, is encoded.</summary>
    public const string EncodeActivity = "tinymllm.encode";

    /// <summary>Histogram: loading a model.</summary>
    public const string LoadDuration = "tinymllm.load.duration";

    /// <summary>Histogram: encoding a picture or one tile of it.</summary>
    public const string EncodeDuration = "tinymllm.encode.duration";

    /// <summary>Histogram: reading a prompt, pictures' encoding excluded.</summary>
    public const string PromptDuration = "tinymllm.prompt.duration";

    /// <summary>Histogram: from the beginning of a request to its first token.</summary>
    public const string FirstTokenDuration = "tinymllm.first_token.duration";

    /// <summary>Histogram: mean time per token after the first, one value per request.</summary>
    public const string TokenDuration = "tinymllm.token.duration";

    /// <summary>Histogram: a whole request; a failed one has the tag <see cref="ErrorTag"/>.</summary>
    public const string RequestDuration = "tinymllm.request.duration";

    /// <summary>Histogram: waiting for a thread or for the turn to decode a picture; see <see cref="QueueTag"/>.</summary>
    public const string QueueDuration = "tinymllm.queue.duration";

    /// <summary>Up-down counter: requests that are being answered.</summary>
    public const string ActiveRequests = "tinymllm.request.active";

    /// <summary>Counter of tokens; see <see cref="TokenTag"/>.</summary>
    public const string Tokens = "tinymllm.tokens";

    /// <summary>Counter of tiles that were looked up in the cache of picture embeddings; see <see cref="HitTag"/>.</summary>
    public const string ImageCacheLookups = "tinymllm.image_cache.lookups";

    /// <summary>Tag: <see cref="ModelInfo.Name"/>.</summary>
    public const string ModelTag = "tinymllm.model";

    /// <summary>Tag of <see cref="Tokens"/>: <c>prompt</c> (all of the prompt), <c>picture</c> and <c>cached</c> (those of them), or
    /// <c>generated</c>.</summary>
    public const string TokenTag = "tinymllm.token.type";

    /// <summary>Tag of <see cref="ImageCacheLookups"/>: whether the embeddings were there.</summary>
    public const string HitTag = "tinymllm.cache.hit";

    /// <summary>Tag of <see cref="QueueDuration"/>: <c>thread</c> or <c>decode</c>.</summary>
    public const string QueueTag = "tinymllm.queue";

    /// <summary>Tag of a request: why the answer ended, as <see cref="FinishReason"/> calls it.</summary>
    public const string FinishTag = "tinymllm.finish_reason";

    /// <summary>Tag of a failed request: the exception's type.</summary>
    public const string ErrorTag = "error.type";
}
