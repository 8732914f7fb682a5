using TinyMllm.Engine;
using TinyMllm.Engine.Sampling;
using TinyMllm.Kernels.Quantization;

namespace TinyMllm.Tests.Api;

/// <summary>Options that make no sense are refused by name, when the call is made and before any work is done.</summary>
[TestFixture]
public sealed class OptionsTests
{
    private VisionLanguageModel _model = null!;
    private ChatSession _session = null!;

    [OneTimeSetUp]
    public void Load()
    {
        _model = Demo.Load();
        _session = _model.CreateSession();
    }

    [OneTimeTearDown]
    public void Unload()
    {
        _session.Dispose();
        _model.Dispose();
    }

    private static IEnumerable<TestCaseData> BadAnswers()
    {
        yield return Answer("MaxTokens", new() { MaxTokens = -1 });
        yield return Answer("MaxTokens", new() { MaxTokens = int.MinValue });
        yield return Answer("LogProbabilities", new() { LogProbabilities = -1 });
        yield return Answer("StopStrings", new() { StopStrings = null! });
        yield return Answer("StopStrings", new() { StopStrings = ["a", null!] });
        foreach ((string name, SamplerOptions sampling) in BadSampling()) yield return Answer(name, new() { Sampling = sampling });

        static TestCaseData Answer(string name, GenerationOptions options) => new TestCaseData(name, options).SetArgDisplayNames(name, "…");
    }

    private static IEnumerable<(string Name, SamplerOptions Options)> BadSampling()
    {
        yield return ("Temperature", new() { Temperature = float.NaN });
        yield return ("DynamicTemperatureRange", new() { DynamicTemperatureRange = -1 });
        yield return ("DynamicTemperatureExponent", new() { DynamicTemperatureExponent = float.PositiveInfinity });
        yield return ("TopP", new() { TopP = -0.1f });
        yield return ("TopP", new() { TopP = 95 });
        yield return ("TypicalP", new() { TypicalP = 1.5f });
        yield return ("MinP", new() { MinP = 2 });
        yield return ("MinP", new() { MinP = float.NaN });
        yield return ("TopNSigma", new() { TopNSigma = float.NaN });
        yield return ("XtcProbability", new() { XtcProbability = 1.1f });
        yield return ("XtcThreshold", new() { XtcThreshold = -1 });
        yield return ("MinKeep", new() { MinKeep = -1 });
        yield return ("RepeatPenalty", new() { RepeatPenalty = 0 });
        yield return ("FrequencyPenalty", new() { FrequencyPenalty = float.NegativeInfinity });
        yield return ("PresencePenalty", new() { PresencePenalty = float.NaN });
        yield return ("PenaltyLastN", new() { PenaltyLastN = -2 });
        yield return ("DryMultiplier", new() { DryMultiplier = float.NaN });
        yield return ("DryBase", new() { DryBase = float.NaN });
        yield return ("DryAllowedLength", new() { DryAllowedLength = -1 });
        yield return ("DryLastN", new() { DryLastN = int.MaxValue });
        yield return ("DrySequenceBreakers", new() { DrySequenceBreakers = null! });
        yield return ("DrySequenceBreakers", new() { DrySequenceBreakers = ["\n", null!] });
        yield return ("Mirostat", new() { Mirostat = 3 });
        yield return ("MirostatTau", new() { MirostatTau = -5 });
        yield return ("MirostatEta", new() { MirostatEta = -0.1f });
        yield return ("AdaptiveTarget", new() { AdaptiveTarget = 1.5f });
        yield return ("AdaptiveDecay", new() { AdaptiveDecay = 1 });
        yield return ("ContextLength", new() { ContextLength = 0 });
        yield return ("LogitBias", new() { LogitBias = null! });
        yield return ("LogitBias", new() { LogitBias = new Dictionary<int, float> { [-1] = 1 } });
        yield return ("LogitBias", new() { LogitBias = new Dictionary<int, float> { [3] = float.NaN } });
        yield return ("Order", new() { Order = null! });
        yield return ("Order", new() { Order = [(SamplerStageKind)99] });
        yield return ("Order", new() { Order = [SamplerStageKind.TopK, SamplerStageKind.TopP, SamplerStageKind.TopK] });
    }

    private static IEnumerable<TestCaseData> BadModels()
    {
        yield return Model("Threads", new() { Threads = -1 });
        yield return Model("Threads", new() { Threads = 1025 });
        yield return Model("Context", new() { Context = -1 });
        yield return Model("KvType", new() { KvType = (KvType)9 });
        yield return Model("Activations", new() { Activations = (ActivationPrecision)9 });
        yield return Model("Compatibility", new() { Compatibility = (Compatibility)9 });
        yield return Model("WeightType", new() { WeightType = (TensorType)99 });
        yield return Model("WeightType", new() { WeightType = TensorType.Q8_1 });
        yield return Model("VisionWeightType", new() { VisionWeightType = TensorType.I8 });
        yield return Model("WeightType", new() { WeightType = TensorType.IQ2_S });
        yield return Model("MinImageTokens", new() { MinImageTokens = 0 });
        yield return Model("MaxImageTokens", new() { MaxImageTokens = -3 });
        yield return Model("MinImageTokens", new() { MinImageTokens = 9, MaxImageTokens = 5 });
        yield return Model("ImageCacheBytes", new() { ImageCacheBytes = -1 });
        yield return Model("IdleConversations", new() { IdleConversations = -1 });

        static TestCaseData Model(string name, ModelOptions options) => new TestCaseData(name, options).SetArgDisplayNames(name, "…");
    }

    [TestCaseSource(nameof(BadAnswers))]
    public void AnAnswerWithABadOptionDoesNotBegin(string name, GenerationOptions options)
    {
        Assert.That(options.Validate, Throws.InstanceOf<ArgumentException>().With.Property("ParamName").StartsWith(name));
        Assert.That(() => _model.GenerateAsync("?", options: options), Throws.InstanceOf<ArgumentException>(), "at the call");
        Assert.That(() => _session.GenerateAsync("?", options: options), Throws.InstanceOf<ArgumentException>(), "at the call");
        Assert.That(() => _model.AnswerAsync("?", options: options), Throws.InstanceOf<ArgumentException>());
    }

    [TestCaseSource(nameof(BadModels))]
    public void AModelWithABadOptionIsNotLoaded(string name, ModelOptions options)
    {
        Assert.That(options.Validate, Throws.InstanceOf<ArgumentException>().With.Property("ParamName").StartsWith(name));
        Assert.That(() => Demo.Load(options), Throws.InstanceOf<ArgumentException>());
    }

    [Test]
    public void ABiasOnATokenBeyondTheVocabularyIsRefused()
    {
        int size = _model.Info.VocabularySize;
        var sampling = new SamplerOptions { LogitBias = new Dictionary<int, float> { [size] = 1 } };
        Assert.That(() => _model.AnswerAsync("?", options: new() { Sampling = sampling }),
            Throws.ArgumentException.With.Message.Contains("LogitBias").And.Message.Contains($"{size}"));
    }

    [Test]
    public async Task TheEndsOfTheRangesAreTaken()
    {
        var sampling = new SamplerOptions
        {
            Temperature = 0, TopP = 1, TypicalP = 1, MinP = 0, TopK = 0, TopNSigma = -1, PenaltyLastN = -1, DryLastN = 0, MinKeep = 0,
            AdaptiveTarget = -1, LogitBias = new Dictionary<int, float> { [0] = float.NegativeInfinity },
        };
        var options = new GenerationOptions { MaxTokens = 0, LogProbabilities = 0, StopStrings = [""], Sampling = sampling };
        GenerationResult result = await _model.AnswerAsync("?", options: options);
        Assert.That((result.Text, result.FinishReason), Is.EqualTo(("", FinishReason.MaxTokens)));
        result = await _model.AnswerAsync("?", options: new() { MaxTokens = 1, LogProbabilities = int.MaxValue, Sampling = sampling });
        Assert.That(result.Scores.Single().Alternatives, Has.Count.EqualTo(_model.Info.VocabularySize));
    }
}
