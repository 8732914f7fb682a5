using TinyMllm.Engine.Sampling;
using TinyMllm.Kernels;
using TinyMllm.Language;
using TinyMllm.Loaders.Gguf;
using TinyMllm.Loaders.Text.Chat;
using TinyMllm.Loaders.Text.Tokenizers;
using TinyMllm.Vision;

namespace TinyMllm.Generation;

/// <summary>The open files of a model and what was built on them.</summary>
internal sealed class ModelFiles : IDisposable
{
    private readonly GgufFile _file;
    private readonly GgufFile? _projectorFile;

    private ModelFiles(
        GgufFile file, GgufFile? projectorFile, LanguageModel language, VisionModel? vision, Tokenizer tokenizer, ChatTemplate template,
            PromptBuilder prompts)
    {
        (_file, _projectorFile) = (file, projectorFile);
        (Language, Vision, Tokenizer, Template, Prompts) = (language, vision, tokenizer, template, prompts);
    }

    public LanguageModel Language { get; }

    public VisionModel? Vision { get; }

    public Tokenizer Tokenizer { get; }

    public ChatTemplate Template { get; }

    public PromptBuilder Prompts { get; }

    public static ModelFiles Load(
        string modelPath, string? projectorPath, ModelOptions options, IProgress<LoadProgress>? progress, CancellationToken cancellationToken)
    {
        var owned = new Stack<IDisposable>();
        try
        {
            T Own<T>(T item)
                where T : IDisposable
            {
                owned.Push(item);
                return item;
            }

            progress?.Report(new LoadProgress("opening", 0));
            GgufFile file = Own(GgufFile.Open(modelPath));
            GgufFile? projectorFile = projectorPath is null ? null : Own(GgufFile.Open(projectorPath));
            if (file.Architecture == "clip")
                throw new UnsupportedModelException($"{file.Path}: this is a picture encoder (mmproj); the language model is another file");

            if (options.CheckWeights)
            {
                progress?.Report(new LoadProgress("checking weights", 0.02));
                RequireFinite(file, cancellationToken);
                if (projectorFile is not null) RequireFinite(projectorFile, cancellationToken);
            }

            progress?.Report(new LoadProgress("vocabulary", 0.05));
            var tokenizer = Tokenizer.Load(file.Metadata);
            var template = ChatTemplate.Load(file.Metadata, tokenizer, options.ChatTemplate);
            template.DefinesThinking = options.Compatibility.Follows(Quirks.DefinedThinking);

            double languageShare = 0.9 * file.Length / (file.Length + (projectorFile?.Length ?? 0));
            void Loaded(double share) => progress?.Report(new LoadProgress("language model", 0.1 + languageShare * share));
            Loaded(0);
            var languageOptions = new LanguageModelOptions
            {
                Weights = new() { Activations = options.Activations, Requantize = options.WeightType, HugePages = options.HugePages },
                Context = options.Context,
                Compatibility = options.Compatibility,
            };
            LanguageModel language = Own(LanguageModel.Load(file, languageOptions, Loaded, cancellationToken));
            if (tokenizer.VocabularySize > language.VocabularySize)
            {
                throw new UnsupportedModelException(
                    $"{file.Path}: the vocabulary has {tokenizer.VocabularySize} tokens, the output matrix {language.VocabularySize} rows");
            }

            VisionModel? vision = null;
            if (projectorFile is not null)
            {
                cancellationToken.ThrowIfCancellationRequested();
                progress?.Report(new LoadProgress("picture encoder", 0.1 + languageShare));
                double visionShare = 0.9 - languageShare;
                vision = Own(LoadVision(projectorFile, options,
                    share => progress?.Report(new LoadProgress("picture encoder", Math.Min(1, 0.1 + languageShare + visionShare * share))), cancellationToken));
            }

            var prompts = new PromptBuilder(tokenizer, file.Path, language.InputLength, language.UsesMrope, vision);
            owned.Clear();
            return new ModelFiles(file, projectorFile, language, vision, tokenizer, template, prompts);
        }
        finally
        {
            while (owned.TryPop(out IDisposable? item)) item.Dispose();
        }
    }

    /// <summary>How the model's author would choose tokens; greedily where the file does not say.</summary>
    public SamplerOptions Sampling => RecommendedSampling.IsIn(_file.Metadata)
        ? RecommendedSampling.Read(_file.Metadata)
        : SamplerOptions.Greedy;

    /// <summary>The facts about these files.</summary>
    public ModelInfo Describe(int context) => new(
        _file.Metadata.GetString("general.name", null) ?? Path.GetFileNameWithoutExtension(_file.Path),
        Language.Architecture, Vision?.ProjectorType,
        _file.Tensors.Sum(tensor => tensor.ElementCount) + (_projectorFile?.Tensors.Sum(tensor => tensor.ElementCount) ?? 0),
        _file.Length + (_projectorFile?.Length ?? 0),
        Language.TrainingContext, context, Language.VocabularySize, Language.EmbeddingLength, Isa.Current)
        {
            Warnings =
            [
                .. Tokenizer.Warnings.Select(warning => $"{_file.Path}: {warning}"),
                .. Template.Problems.Select(problem => $"{_file.Path}: {problem}"),
                .. _file.InvalidTensors.Select(tensor => $"{_file.Path}: {tensor}"),
                .. (_projectorFile?.InvalidTensors ?? []).Select(tensor => $"{_projectorFile!.Path}: {tensor}"),
            ],
        };

    public void Dispose()
    {
        Vision?.Dispose();
        Language.Dispose();
        _projectorFile?.Dispose();
        _file.Dispose();
    }

    private static void RequireFinite(GgufFile file, CancellationToken cancellationToken)
    {
        IReadOnlyList<InvalidTensor> invalid = file.FindInvalidTensors(cancellationToken);
        if (invalid.Count == 0) return;
        string others = invalid.Count == 1 ? "" : $" and in {invalid.Count - 1} more tensors";
        throw new GgufFormatException(file.Path, invalid[0].Subject, invalid[0].Found + others, "finite numbers");
    }

    private static VisionModel LoadVision(GgufFile file, ModelOptions options, Action<double> loaded, CancellationToken cancellationToken)
    {
        var visionOptions = new VisionOptions
        {
            Weights = new() { Activations = options.Activations, Requantize = options.VisionWeightType, HugePages = options.HugePages },
            Compatibility = options.Compatibility,
            Tiles = options.ImageTiles,
            MinImageTokens = options.MinImageTokens,
            MaxImageTokens = options.MaxImageTokens,
        };
        return VisionModel.Load(file, visionOptions, loaded, cancellationToken);
    }
}
