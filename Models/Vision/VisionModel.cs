using TinyMllm.Engine;
using TinyMllm.Kernels.Im2Col;
using TinyMllm.Loaders.Gguf;
using TinyMllm.Loaders.Images;
using TinyMllm.Vision.Families;
using TinyMllm.Vision.Preprocessing;
using TinyMllm.Weights;

namespace TinyMllm.Vision;

/// <summary>
/// The vision half of a model, from an mmproj GGUF file: prepares pictures and encodes them to embeddings that stand in the language
/// model's input where token embeddings stand otherwise. Loaded once, it may serve many sessions at the same time, each with its own
/// workspace. A model that is disposed while it encodes lives until that is over.
/// </summary>
public sealed class VisionModel : IDisposable
{
    private readonly ModelWeights _weights;
    private readonly Lifetime _lifetime;
    private readonly VisionFamily _family;
    private readonly Preprocessor _preprocessor;
    private readonly VisionOptions _options;
    private readonly VisionConfig _config;

    /// <summary>A model whose weights are described and checked, but not read.</summary>
    private static VisionModel Describe(GgufFile file, VisionOptions options)
    {
        var config = VisionConfig.Read(file.Metadata);
        var weights = new ModelWeights(file, options.Weights);
        return new VisionModel(weights, FamilyTable.Create(new VisionSource(weights, config, options)), config, options);
    }

    private VisionModel(ModelWeights weights, VisionFamily family, VisionConfig config, VisionOptions options)
    {
        (_weights, _family, _config, _options) = (weights, family, config, options);
        _lifetime = new Lifetime(this, weights.Dispose);
        _preprocessor = options.Follows(Quirks.PointResampling) ? family.Preprocessor : family.Preprocessor.With(Interpolation.Pillow);
    }

    /// <summary>The file's <c>clip.projector_type</c>.</summary>
    public string ProjectorType => _config.ProjectorType;

    /// <summary>Path of the mmproj file.</summary>
    public string Path => _weights.Path;

    /// <summary>Columns of an embedding row: the language model's width times <see cref="EmbeddingSlices"/>.</summary>
    public int EmbeddingLength => _family.EmbeddingLength;

    /// <summary>1, or more where a row holds embeddings for deeper layers of the language model too (Qwen3-VL).</summary>
    public int EmbeddingSlices => _family.EmbeddingSlices;

    /// <summary>True if all tokens of a picture see each other in the language model (Gemma 3).</summary>
    public bool NonCausal => _family.NonCausal;

    /// <summary>Projector types that can be loaded.</summary>
    public static IReadOnlyCollection<string> SupportedProjectorTypes => FamilyTable.Names;

    /// <summary>Loads the model; <paramref name="file"/> must stay open as long as it lives.</summary>
    /// <param name="file">An mmproj file.</param>
    /// <param name="options">Null: <see cref="VisionOptions.Default"/>.</param>
    /// <exception cref="UnsupportedModelException">The file has no vision encoder, or one that is not known; a tensor is missing or has another shape.</exception>
    /// <exception cref="GgufFormatException">A key is missing or has an impossible value.</exception>
    public static VisionModel Load(GgufFile file, VisionOptions? options = null) => Load(file, options, null, default);

    /// <summary>Loads the model and tells what share of its weights is read.</summary>
    internal static VisionModel Load(GgufFile file, VisionOptions? options, Action<double>? loaded, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(file);
        using var open = file.Use();
        VisionModel model = Describe(file, options ?? VisionOptions.Default);
        try
        {
            model._weights.Load(loaded, cancellationToken);
            return model;
        }
        catch
        {
            // Out of memory, or a file that ends early: what was read so far goes back.
            model.Dispose();
            throw;
        }
    }

    /// <summary>Whether the encoder of <paramref name="file"/> can be run; reads no weights.</summary>
    /// <param name="file">An mmproj file.</param>
    /// <param name="reason">The key or tensor that stands in the way; empty if none does.</param>
    public static bool Supports(GgufFile file, out string reason)
    {
        ArgumentNullException.ThrowIfNull(file);
        using var open = file.Use();
        try
        {
            Describe(file, VisionOptions.Default);
            reason = "";
            return true;
        }
        catch (Exception problem) when (problem is UnsupportedModelException or GgufFormatException)
        {
            reason = problem.Message;
            return false;
        }
    }

    /// <summary>Decides how a picture is resized and cut; its tiles compute their pixels when they are encoded. Pictures of any size are accepted.</summary>
    public PreparedImage Prepare(RgbImage image)
    {
        ArgumentNullException.ThrowIfNull(image);
        ImagePlan plan = _preprocessor.Plan(new PixelSize(image.Width, image.Height));
        if (!_options.Tiles && plan.Overview is not null) plan = plan.WithoutTiles();
        return PreparedImage.Arrange(_family, _preprocessor, image, plan);
    }

    /// <summary>The embeddings that a tile gives.</summary>
    public TokenGrid Tokens(ImageTile tile) => _family.Tokens(tile.Size);

    /// <summary>Encodes a tile.</summary>
    /// <param name="workspace">Threads and scratch.</param>
    /// <param name="tile">From <see cref="Prepare"/> of this model.</param>
    /// <param name="embeddings">Receives the result: [<see cref="TokenGrid.Count"/> of <see cref="Tokens"/>,
    /// <see cref="EmbeddingLength"/>].</param>
    /// <param name="progress">Told after every transformer block.</param>
    /// <param name="cancellationToken">Looked at after every transformer block.</param>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    /// <exception cref="ObjectDisposedException">The model or the workspace was disposed.</exception>
    public void Encode(Workspace workspace, ImageTile tile, Matrix embeddings,
        IProgress<VisionProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(workspace);
        ArgumentNullException.ThrowIfNull(tile);
        int count = Tokens(tile).Count;
        if (embeddings.Rows != count || embeddings.Columns != EmbeddingLength)
            throw new ArgumentException($"embeddings are {embeddings.Rows}×{embeddings.Columns}, expected {count}×{EmbeddingLength}", nameof(embeddings));
        cancellationToken.ThrowIfCancellationRequested();
        using var use = _lifetime.Use();
        using var scratch = workspace.Frame();
        _family.Encode(new EncodePass(workspace, _family.BlockCount, progress, cancellationToken), tile, embeddings);
    }

    /// <summary>Encodes a tile into an array: its embedding rows, one after the other.</summary>
    internal unsafe float[] Encode(Workspace workspace, ImageTile tile, IProgress<VisionProgress>? progress, CancellationToken cancellationToken)
    {
        int count = Tokens(tile).Count;
        float[] rows = new float[count * EmbeddingLength];
        fixed (float* data = rows) Encode(workspace, tile, new Matrix(data, count, EmbeddingLength), progress, cancellationToken);
        return rows;
    }

    /// <summary>The normalised pixels of a tile as the encoder reads them: r, g, b per pixel, row after row.</summary>
    public float[] Normalize(ImageTile tile)
    {
        ArgumentNullException.ThrowIfNull(tile);
        var values = new float[tile.ByteCount];
        new PixelNormalization(_config.Mean, _config.Std).Apply(tile.Render(), values);
        return values;
    }

    /// <summary>Frees the weights, or has them freed when what is being encoded is done.</summary>
    public void Dispose() => _lifetime.Dispose();
}
