using TinyMllm.Engine;
using TinyMllm.Kernels.Elementwise;
using TinyMllm.Vision.Preprocessing;
using TinyMllm.Vision.Transformer;
using TinyMllm.Weights;

namespace TinyMllm.Vision.Families;

/// <summary>
/// MiniCPM-V 2.5 to 4.5, MiniCPM-o (<c>resampler</c>): SigLIP with bucketed positions on tiles of any shape; learned queries attend to the
/// patches.
/// </summary>
internal sealed class MiniCpmResampler : TransformerFamily
{
    private const int HeadSize = 128;
    private const float PositionBase = 10000;

    private readonly FloatWeights _queries;
    private readonly Linear _keyValue, _queryProjection, _keyProjection, _valueProjection, _out, _projection;
    private readonly INorm _queryNorm, _keyValueNorm, _outNorm;

    public MiniCpmResampler(VisionSource source)
        : base(source, new TransformerOptions { Positions = PositionFitting.Buckets, FeedForwardNamesMayBeSwapped = true })
    {
        ModelWeights weights = source.Weights;
        int width = weights.Outputs("resampler.kv");
        if (width % HeadSize != 0) throw Unsupported($"tensor 'resampler.kv.weight': found {width} outputs, expected a multiple of {HeadSize}");
        _queries = weights.Floats("resampler.query", width, rows: 0);
        _keyValue = weights.Linear("resampler.kv", Config.Width, width);
        _queryProjection = weights.Linear("resampler.attn.q", width, width);
        _keyProjection = weights.Linear("resampler.attn.k", width, width);
        _valueProjection = weights.Linear("resampler.attn.v", width, width);
        _out = weights.Linear("resampler.attn.out", width, width);
        _queryNorm = weights.Norm("resampler.ln_q", width, NormKind.Layer, Config.Epsilon);
        _keyValueNorm = weights.Norm("resampler.ln_kv", width, NormKind.Layer, Config.Epsilon);
        _outNorm = weights.Norm("resampler.ln_post", width, NormKind.Layer, Config.Epsilon);
        _projection = weights.Linear("resampler.proj", width);
        Preprocessor = new UhdTiles(Config.ImageSize, Config.PatchSize, Styles.BilinearStretch, Styles.BicubicPad, source.Rules);
        Markers = MarkersOf(source);
    }

    /// <inheritdoc/>
    public override Preprocessor Preprocessor { get; }

    /// <inheritdoc/>
    public override ImageMarkers Markers { get; }

    /// <summary>MiniCPM-V 2.6 and later: the overview between image tokens, every tile between slice tokens.</summary>
    public static ImageMarkers SliceMarkers { get; } = new()
    {
        OverviewFirst = true,
        OverviewStart = ["<image>"],
        OverviewEnd = ["</image>"],
        TileStart = "<slice>",
        TileEnd = "</slice>",
        RowEnd = "\n",
    };

    /// <inheritdoc/>
    public override int EmbeddingLength => _projection.Outputs;

    /// <inheritdoc/>
    public override TokenGrid Tokens(PixelSize tile) => TokenGrid.Line(_queries.Rows);

    /// <inheritdoc/>
    protected override void Project(Workspace workspace, Matrix patches, PatchGrid grid, Matrix embeddings)
    {
        using var frame = workspace.Frame();
        int width = _keyValue.Outputs;
        Matrix value = workspace.Rent(patches.Rows, width), key = workspace.Rent(patches.Rows, width), hidden = workspace.Rent(patches.Rows, width);
        _keyValue.Forward(workspace, patches, hidden);
        _keyValueNorm.Forward(workspace, hidden, hidden);
        _valueProjection.Forward(workspace, hidden, value);
        AddPositions(hidden, grid);
        _keyProjection.Forward(workspace, hidden, key);

        Matrix query = workspace.Rent(_queries.Rows, width), output = workspace.Rent(_queries.Rows, width);
        _queryNorm.Forward(workspace, _queries.Values, output);
        _queryProjection.Forward(workspace, output, query);
        var ranges = new KeyRange[_queries.Rows];
        KeyRange.Full(ranges, patches.Rows);
        Attention.Forward(workspace, AttentionShape.MultiHead(width / HeadSize, HeadSize), query, key, value, ranges, output);
        _out.Forward(workspace, output, query);
        _outNorm.Forward(workspace, query, query);
        _projection.Forward(workspace, query, embeddings);
    }

    /// <summary>Adds [sin(column·ω), cos(column·ω), sin(row·ω), cos(row·ω)] with ωᵢ = 10000^(−4i/width), i = 0 … width/4 − 1.</summary>
    private static void AddPositions(Matrix patches, PatchGrid grid)
    {
        int quarter = patches.Columns / 4;
        for (int i = 0; i < quarter; i++)
        {
            float omega = MathF.Pow(PositionBase, -(float)i / quarter);
            for (int patch = 0; patch < patches.Rows; patch++)
            {
                Span<float> row = patches.RowSpan(patch);
                (float sin, float cos) column = MathF.SinCos(patch % grid.Columns * omega), line = MathF.SinCos(patch / grid.Columns * omega);
                row[i] += column.sin;
                row[quarter + i] += column.cos;
                row[2 * quarter + i] += line.sin;
                row[3 * quarter + i] += line.cos;
            }
        }
    }

    private static ImageMarkers MarkersOf(VisionSource source)
    {
        const string key = "clip.minicpmv_version";
        int version = source.Metadata.GetInt32(key, 0);
        if (version is 0 or 2)
        {
            return SliceMarkers with { TilesStart = "<slice>", TilesEnd = "</slice>", TileStart = "<image>", TileEnd = "</image>" };
        }

        return version is 3 or 4 or 5 or 6 or 100045 ? SliceMarkers : throw source.Metadata.Invalid(key, "2, 3, 4, 5, 6 or 100045");
    }
}
