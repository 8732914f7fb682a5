using System.Diagnostics;
using System.Diagnostics.Metrics;
using static TinyMllm.Diagnostics.TinyMllmTelemetry;

namespace TinyMllm.Diagnostics;

/// <summary>What is reported under the names of <see cref="TinyMllmTelemetry"/>; costs next to nothing while nobody listens.</summary>
internal static class Telemetry
{
    private static readonly string Version = typeof(Telemetry).Assembly.GetName().Version!.ToString(3);
    private static readonly ActivitySource Source = new(SourceName, Version);
    private static readonly Meter Meter = new(SourceName, Version);

    private static readonly Histogram<double>
        Load = Meter.CreateHistogram<double>(LoadDuration, "s", "Loading a model."),
        Encode = Meter.CreateHistogram<double>(EncodeDuration, "s", "Encoding a picture or one tile of it."),
        Prompt = Meter.CreateHistogram<double>(PromptDuration, "s", "Reading a prompt, pictures' encoding excluded."),
        FirstToken = Meter.CreateHistogram<double>(FirstTokenDuration, "s", "From the beginning of a request to its first token."),
        PerToken = Meter.CreateHistogram<double>(TokenDuration, "s", "Mean time per token after the first."),
        Request = Meter.CreateHistogram<double>(RequestDuration, "s", "A whole request."),
        Queue = Meter.CreateHistogram<double>(QueueDuration, "s", "Waiting for a thread or for the turn to decode a picture.");

    private static readonly UpDownCounter<long> Active =
        Meter.CreateUpDownCounter<long>(ActiveRequests, "{request}", "Requests that are being answered.");

    private static readonly Counter<long>
        TokenCount = Meter.CreateCounter<long>(Tokens, "{token}", "Tokens by type."),
        Lookups = Meter.CreateCounter<long>(ImageCacheLookups, "{tile}", "Tiles looked up in the cache of picture embeddings.");

    /// <summary>Runs the loading of a model.</summary>
    public static VisionLanguageModel Loading(Func<VisionLanguageModel> load)
    {
        using Activity? activity = Source.StartActivity(LoadActivity);
        long start = Stopwatch.GetTimestamp();
        VisionLanguageModel model = load();
        activity?.SetTag(ModelTag, model.Info.Name);
        Load.Record(Seconds(start), Tag(ModelTag, model.Info.Name));
        return model;
    }

    /// <summary>Runs a request.</summary>
    public static GenerationResult Answering(string model, Func<GenerationResult> answer)
    {
        using Activity? activity = Source.StartActivity(RequestActivity);
        activity?.SetTag(ModelTag, model);
        KeyValuePair<string, object?> tag = Tag(ModelTag, model);
        long start = Stopwatch.GetTimestamp();
        Active.Add(1, tag);
        try
        {
            GenerationResult result = answer();
            string reason = result.FinishReason.ToString();
            activity?.SetTag(FinishTag, reason);
            Request.Record(Seconds(start), tag, Tag(FinishTag, reason));
            Report(result, tag);
            return result;
        }
        catch (Exception failure)
        {
            string type = failure.GetType().FullName!;
            activity?.SetStatus(ActivityStatusCode.Error).SetTag(ErrorTag, type);
            Request.Record(Seconds(start), tag, Tag(ErrorTag, type));
            throw;
        }
        finally
        {
            Active.Add(-1, tag);
        }
    }

    /// <summary>Runs the encoder on one tile.</summary>
    public static float[] Encoding(Func<float[]> encode)
    {
        using Activity? activity = Source.StartActivity(EncodeActivity);
        long start = Stopwatch.GetTimestamp();
        float[] rows = encode();
        Encode.Record(Seconds(start));
        return rows;
    }

    /// <summary>Tells whether a tile's embeddings were cached.</summary>
    public static void LookedUp(bool hit) => Lookups.Add(1, Tag(HitTag, hit));

    /// <summary>Tells how long something has waited since <paramref name="start"/>.</summary>
    public static void Waited(string queue, long start) => Queue.Record(Seconds(start), Tag(QueueTag, queue));

    private static void Report(GenerationResult result, KeyValuePair<string, object?> tag)
    {
        (GenerationUsage usage, GenerationTimings timings) = (result.Usage, result.Timings);
        Prompt.Record(timings.Prompt.TotalSeconds, tag);
        FirstToken.Record(timings.FirstToken.TotalSeconds, tag);
        if (usage.GeneratedTokens > 1) PerToken.Record(timings.Generation.TotalSeconds / (usage.GeneratedTokens - 1), tag);
        TokenCount.Add(usage.PromptTokens, tag, Tag(TokenTag, "prompt"));
        TokenCount.Add(usage.PictureTokens, tag, Tag(TokenTag, "picture"));
        TokenCount.Add(usage.ReusedTokens, tag, Tag(TokenTag, "cached"));
        TokenCount.Add(usage.GeneratedTokens, tag, Tag(TokenTag, "generated"));
    }

    private static double Seconds(long start) => Stopwatch.GetElapsedTime(start).TotalSeconds;

    private static KeyValuePair<string, object?> Tag(string name, object? value) => new(name, value);
}
