using TinyMllm.Engine;
using TinyMllm.Kernels.Formats;
using TinyMllm.Kernels.Quantization;
using TinyMllm.Loaders.Images;
using TinyMllm.Vision;

namespace TinyMllm;

/// <summary>
/// Which model is loaded, and how it is loaded and run. The properties can be bound from configuration; what a model was loaded with does not
/// change any more.
/// </summary>
public sealed record ModelOptions
{
    /// <summary>Context of a conversation unless <see cref="Context"/> says otherwise and the model was trained for as much.</summary>
    public const int UsualContext = 4096;

    /// <summary>Most threads that the engine takes.</summary>
    internal const int MostThreads = 1024;

    /// <summary>The defaults, a new object each time: options can be changed until a model is loaded with them.</summary>
    public static ModelOptions Default => new();

    /// <summary>The language model's GGUF file; the first part of a split one finds the others.</summary>
    public string? ModelPath { get; set; }

    /// <summary>The picture encoder's GGUF file (mmproj), or null for text alone.</summary>
    public string? ProjectorPath { get; set; }

    /// <summary>Threads of the engine, the calling one included; 0 = one per processor. The numbers that come out do not depend on
    /// it.</summary>
    public int Threads { get; set; }

    /// <summary>Tokens that a conversation can hold, pictures included; 0 = what the model was trained for, at most
    /// <see cref="UsualContext"/>.</summary>
    public int Context { get; set; }

    /// <summary>How keys and values are kept.</summary>
    public KvType KvType { get; set; } = KvType.F16;

    /// <summary>Precision of the inputs of matrix products.</summary>
    public ActivationPrecision Activations { get; set; } = ActivationPrecision.Integer;

    /// <summary>Holds the language model's F32, F16 and BF16 matrices in this type, which must be one that matrix products have a kernel
    /// for; null keeps what is stored.</summary>
    public TensorType? WeightType { get; set; }

    /// <summary>Holds the picture encoder's F32, F16 and BF16 matrices in this type; null keeps what is stored.</summary>
    public TensorType? VisionWeightType { get; set; }

    /// <summary>
    /// Reads all weights when loading, those too that are otherwise read as they are needed (token embeddings), and refuses files with NaN
    /// or infinite ones. Without it those found among the packed weights are in <see cref="ModelInfo.Warnings"/>.
    /// </summary>
    public bool CheckWeights { get; set; }

    /// <summary>
    /// A chat template (Jinja) to use instead of the model's own, or the name of a built-in format such as <c>chatml</c>
    /// (<see cref="Loaders.Text.Chat.ChatTemplate.BuiltInNames"/>); null for the model's own. A template that is no good is no error when the model
    /// is loaded: <see cref="Loaders.Text.Chat.ChatTemplate.Problem"/> says what is wrong, and so does the first conversation.
    /// </summary>
    public string? ChatTemplate { get; set; }

    /// <summary>Whose arithmetic is followed where llama.cpp departs from the original model.</summary>
    public Compatibility Compatibility { get; set; } = Compatibility.Original;

    /// <summary>Cuts large pictures into tiles where the model does so; false looks at the overview alone: fewer tokens, less
    /// detail.</summary>
    public bool ImageTiles { get; set; } = true;

    /// <summary>Fewest tokens per picture, for models of dynamic resolution; null: the model's own limit.</summary>
    public int? MinImageTokens { get; set; }

    /// <summary>Most tokens per picture, for models of dynamic resolution; null: the model's own limit.</summary>
    public int? MaxImageTokens { get; set; }

    /// <summary>
    /// How pictures in requests are decoded (set in code, not by configuration): limits, background of transparent ones, how many at once. Null:
    /// <see cref="ImageOptions.Default"/>, or <see cref="ImageOptions.AsStored"/> with <see cref="Compatibility.LlamaCpp"/>. Pictures that
    /// you decode yourself follow it with <c>RgbImage.Load(path, model.ImageOptions)</c>.
    /// </summary>
    public ImageOptions? Images { get; set; }

    /// <summary>Bytes of picture embeddings to keep, so that a picture asked about again is not encoded again.</summary>
    public long ImageCacheBytes { get; set; } = 256L << 20;

    /// <summary>
    /// Memories of finished requests to keep, so that a request that begins like an earlier one (the same system prompt, the same
    /// conversation) reads
    /// only what is new. A <see cref="ChatSession"/> has a memory of its own and does not count.
    /// </summary>
    public int IdleConversations { get; set; } = 2;

    /// <summary>
    /// The folder that an <see cref="Microsoft.Extensions.AI.IChatClient"/> may read pictures from by file addresses
    /// (<see cref="Microsoft.Extensions.AI.UriContent"/>); null, the default, refuses them. Links are followed as long as they stay in the
    /// folder, and only regular files are read. Whoever writes the messages can have the model tell what is on any picture in it.
    /// </summary>
    public string? PictureFolder { get; set; }

    /// <summary><see cref="Images"/>, or what stands for null.</summary>
    internal ImageOptions ImagesOrDefault =>
        Images ?? (Compatibility.Follows(Quirks.PicturesAsStored) ? ImageOptions.AsStored : ImageOptions.Default);

    /// <summary>
    /// Asks Linux to back weights and scratch memory with pages of 2 MiB, which makes the engine faster. Memory then grows in steps of 2 MiB. Other systems, and a Linux
    /// that has no such pages, ignore it.
    /// </summary>
    public bool HugePages { get; set; } = true;

    /// <summary>Checks the values; loading does it first.</summary>
    /// <exception cref="ArgumentException">A number is negative or too large, or a choice is unknown; the message names it.</exception>
    public void Validate()
    {
        ArgumentOutOfRangeException.ThrowIfNegative(Threads);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(Threads, MostThreads);
        ArgumentOutOfRangeException.ThrowIfNegative(Context);
        ArgumentOutOfRangeException.ThrowIfNegative(ImageCacheBytes);
        ArgumentOutOfRangeException.ThrowIfNegative(IdleConversations);
        if (ModelPath is not null) ArgumentException.ThrowIfNullOrEmpty(ModelPath);
        if (ProjectorPath is not null) ArgumentException.ThrowIfNullOrEmpty(ProjectorPath);
        if (PictureFolder is not null) ArgumentException.ThrowIfNullOrEmpty(PictureFolder);
        Images?.Validate();
        if (MinImageTokens is { } least) ArgumentOutOfRangeException.ThrowIfNegativeOrZero(least, nameof(MinImageTokens));
        if (MaxImageTokens is { } most) ArgumentOutOfRangeException.ThrowIfNegativeOrZero(most, nameof(MaxImageTokens));
        if (MinImageTokens > MaxImageTokens)
        {
            throw new ArgumentOutOfRangeException(
                nameof(MinImageTokens), MinImageTokens, $"more than {nameof(MaxImageTokens)}, which is {MaxImageTokens}");
        }

        RequireDefined(KvType, nameof(KvType));
        RequireDefined(Activations, nameof(Activations));
        RequireDefined(Compatibility, nameof(Compatibility));
        RequireKernel(WeightType, nameof(WeightType));
        RequireKernel(VisionWeightType, nameof(VisionWeightType));
    }

    private static void RequireDefined<T>(T value, string name)
        where T : struct, Enum
    {
        if (Enum.IsDefined(value)) return;
        throw new ArgumentOutOfRangeException(name, value, $"expected one of {string.Join(", ", Enum.GetNames<T>())}");
    }

    private static void RequireKernel(TensorType? type, string name)
    {
        if (type is not { } wanted || Format.Find(wanted) is { CanRequantize: true }) return;
        var usable = Formats.All.Where(format => format.CanRequantize).Select(format => format.Name);
        throw new ArgumentOutOfRangeException(
            name, wanted, $"weights cannot be held in this type; expected one of {string.Join(", ", usable)}");
    }
}

/// <summary>How far loading is.</summary>
/// <param name="Step">What is being done, for people.</param>
/// <param name="Fraction">0 … 1.</param>
public readonly record struct LoadProgress(string Step, double Fraction);
