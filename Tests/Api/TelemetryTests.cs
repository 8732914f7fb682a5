using System.Collections.Concurrent;
using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Reflection;
using Microsoft.Extensions.Logging;
using TinyMllm.Diagnostics;
using TinyMllm.Tests.Support;

namespace TinyMllm.Tests.Api;

/// <summary>What a model reports about itself.</summary>
[TestFixture]
public sealed class TelemetryTests
{
    private const string Question = "What do you see?";

    private static string Page => File.ReadAllText(Path.Combine(Golden.Root, "docs", "telemetry.md"));

    [Test]
    public async Task MetersCountWhatTheResultSays()
    {
        var values = new ConcurrentBag<(string Name, double Value, Dictionary<string, object?> Tags)>();
        using var listener = new MeterListener();
        listener.InstrumentPublished = (instrument, self) =>
        {
            if (instrument.Meter.Name == TinyMllmTelemetry.SourceName) self.EnableMeasurementEvents(instrument);
        };
        listener.SetMeasurementEventCallback<double>((instrument, value, tags, _) => values.Add((instrument.Name, value, new(tags.ToArray()))));
        listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) => values.Add((instrument.Name, value, new(tags.ToArray()))));
        listener.Start();

        GenerationResult first, second;
        using (VisionLanguageModel model = Demo.Load())
        {
            first = await model.AnswerAsync(Question, Demo.Picture("penguin"));
            second = await model.AnswerAsync("What color is the background?", Demo.Picture("penguin"));
            Assert.That(() => model.AnswerAsync(new string('x', 3000)), Throws.TypeOf<ContextOverflowException>());
        }

        double Sum(string name, string? tag = null, object? tagValue = null) =>
            values.Where(value => value.Name == name && (tag is null || Equals(value.Tags.GetValueOrDefault(tag), tagValue))).Sum(value => value.Value);
        int Count(string name, string? tag = null, object? tagValue = null) =>
            values.Count(value => value.Name == name && (tag is null || Equals(value.Tags.GetValueOrDefault(tag), tagValue)));
        Assert.Multiple(() =>
        {
            Assert.That(Count(TinyMllmTelemetry.LoadDuration), Is.EqualTo(1));
            Assert.That(Count(TinyMllmTelemetry.EncodeDuration), Is.EqualTo(1), "the picture is encoded once");
            Assert.That(Sum(TinyMllmTelemetry.ImageCacheLookups, TinyMllmTelemetry.HitTag, false), Is.EqualTo(1));
            Assert.That(Count(TinyMllmTelemetry.PromptDuration), Is.EqualTo(2));
            Assert.That(Sum(TinyMllmTelemetry.FirstTokenDuration),
                Is.EqualTo((first.Timings.FirstToken + second.Timings.FirstToken).TotalSeconds).Within(1e-6));
            Assert.That(Count(TinyMllmTelemetry.TokenDuration), Is.EqualTo(2));
            Assert.That(Sum(TinyMllmTelemetry.Tokens, TinyMllmTelemetry.TokenTag, "generated"),
                Is.EqualTo(first.Usage.GeneratedTokens + second.Usage.GeneratedTokens));
            Assert.That(Sum(TinyMllmTelemetry.Tokens, TinyMllmTelemetry.TokenTag, "cached"), Is.EqualTo(first.Usage.ReusedTokens + second.Usage.ReusedTokens));
            Assert.That(Count(TinyMllmTelemetry.RequestDuration), Is.EqualTo(3));
            Assert.That(Count(TinyMllmTelemetry.RequestDuration, TinyMllmTelemetry.ErrorTag, typeof(ContextOverflowException).FullName), Is.EqualTo(1));
            Assert.That(Count(TinyMllmTelemetry.RequestDuration, TinyMllmTelemetry.FinishTag, "EndOfTurn"), Is.EqualTo(2));
            Assert.That(Sum(TinyMllmTelemetry.ActiveRequests), Is.Zero);
            Assert.That(Count(TinyMllmTelemetry.QueueDuration, TinyMllmTelemetry.QueueTag, "thread"), Is.EqualTo(3));
        });
    }

    [Test]
    public async Task ActivitiesNestInTheCallersOwn()
    {
        var ended = new ConcurrentQueue<Activity>();
        using var listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name is TinyMllmTelemetry.SourceName or nameof(TelemetryTests),
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
            ActivityStopped = ended.Enqueue,
        };
        ActivitySource.AddActivityListener(listener);
        using var source = new ActivitySource(nameof(TelemetryTests));
        using (Activity? mine = source.StartActivity("mine"))
        {
            using VisionLanguageModel model = Demo.Load();
            await model.AnswerAsync(Question, Demo.Picture("penguin"));
        }

        Assert.That(ended.Select(activity => activity.OperationName), Is.EqualTo(new[]
        {
            TinyMllmTelemetry.LoadActivity, TinyMllmTelemetry.EncodeActivity, TinyMllmTelemetry.RequestActivity, "mine",
        }));
        Activity[] all = [.. ended];
        Assert.That((all[0].ParentSpanId, all[1].ParentSpanId, all[2].ParentSpanId), Is.EqualTo((all[3].SpanId, all[2].SpanId, all[3].SpanId)));
        Assert.That(all[2].GetTagItem(TinyMllmTelemetry.FinishTag), Is.EqualTo("EndOfTurn"));
    }

    [Test]
    public async Task TheLogHoldsNeitherPromptsNorAnswers()
    {
        var lines = new Lines();
        using (ILoggerFactory factory = LoggerFactory.Create(builder => builder.SetMinimumLevel(LogLevel.Trace).AddProvider(lines)))
        using (var model = VisionLanguageModel.Load(new ModelOptions { ModelPath = Demo.ModelPath, ProjectorPath = Demo.ProjectorPath }, loggerFactory: factory))
        {
            GenerationResult result = await model.AnswerAsync(Question, Demo.Picture("penguin"));
            Assert.That(() => model.AnswerAsync(new string('x', 3000)), Throws.TypeOf<ContextOverflowException>());
            Assert.That(string.Concat(lines.Texts), Does.Not.Contain(result.Text).And.Not.Contains(Question));
        }

        Assert.That(lines.Events, Is.EqualTo(new[]
        {
            (1, LogLevel.Information), (3, LogLevel.Debug), (4, LogLevel.Debug), (5, LogLevel.Information),
        }));
        Assert.That(lines.Category, Is.EqualTo("TinyMllm.VisionLanguageModel"));
    }

    [Test]
    public void EveryNameIsDocumented()
    {
        string page = Page;
        string[] names = [.. typeof(TinyMllmTelemetry).GetFields(BindingFlags.Public | BindingFlags.Static).Select(field => (string)field.GetRawConstantValue()!)];
        Assert.That(names, Has.Length.GreaterThan(15));
        Assert.That(names.Where(name => !page.Contains($"`{name}`", StringComparison.Ordinal)), Is.Empty);
    }

    private sealed class Lines : ILoggerProvider, ILogger
    {
        public List<string> Texts { get; } = [];

        public List<(int Id, LogLevel Level)> Events { get; } = [];

        public string? Category { get; private set; }

        public ILogger CreateLogger(string categoryName)
        {
            Category = categoryName;
            return this;
        }

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            Texts.Add(formatter(state, exception));
            Events.Add((eventId.Id, logLevel));
        }

        public void Dispose()
        {
        }
    }
}
