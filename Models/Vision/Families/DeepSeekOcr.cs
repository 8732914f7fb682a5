using TinyMllm.Engine;
using TinyMllm.Kernels.Elementwise;
using TinyMllm.Vision.Preprocessing;
using TinyMllm.Vision.Sam;
using TinyMllm.Vision.Transformer;
using TinyMllm.Weights;

namespace TinyMllm.Vision.Families;

/// <summary>
/// DeepSeek-OCR (<c>deepseekocr</c>): SAM on a square page, CLIP on what SAM gives, both side by side through one matrix; a learned
/// embedding ends each row and another one the page.
/// </summary>
internal sealed class DeepSeekOcr : VisionFamily
{
    /// <summary>Fixed by the model, whatever the keys say.</summary>
    private const int PatchSize = 16;

    private readonly SamEncoder _sam;
    private readonly VisionTransformer _clip;
    private readonly Linear _projection;
    private readonly FloatWeights _newline, _separator;

    public DeepSeekOcr(VisionSource source)
        : base(source)
    {
        ModelWeights weights = source.Weights;
        _sam = new SamEncoder(weights, source.Config with { PatchSize = PatchSize });
        if (_sam.Outputs != Config.Width)
            throw Unsupported($"tensor 'v.sam.net_3.weight': found {_sam.Outputs} outputs, expected the embedding length {Config.Width}");
        TransformerOptions clip = new() { Activation = Activation.GeluQuick, Positions = PositionFitting.Cubic };
        _clip = new VisionTransformer(weights, Config, clip);
        _projection = weights.Linear("mm.model.fc", Config.Width + _sam.Outputs);
        _newline = weights.Floats("v.image_newline", _projection.Outputs);
        _separator = weights.Floats("v.view_seperator", _projection.Outputs);
    }

    /// <inheritdoc/>
    public override Preprocessor Preprocessor { get; } = new NearestSquare([1024, 1280], Styles.PillowPadGrey);

    /// <inheritdoc/>
    public override ImageMarkers Markers { get; } = new() { End = "\n" };

    /// <inheritdoc/>
    public override int EmbeddingLength => _projection.Outputs;

    /// <inheritdoc/>
    public override int BlockCount => _sam.BlockCount + _clip.BlockCount;

    /// <inheritdoc/>
    public override TokenGrid Tokens(PixelSize tile)
    {
        PatchGrid cells = _sam.OutputGrid(PatchGrid.Of(tile, PatchSize));
        return TokenGrid.Line((cells.Columns + 1) * cells.Rows + 1);
    }

    /// <inheritdoc/>
    public override void Encode(EncodePass pass, ImageTile tile, Matrix embeddings)
    {
        Workspace workspace = pass.Workspace;
        using var frame = workspace.Frame();
        PatchGrid grid = PatchGrid.Of(tile.Size, PatchSize), cells = _sam.OutputGrid(grid);
        Matrix sam = workspace.RentDense(cells.Count, _sam.Outputs);
        _sam.Encode(pass, tile, grid, sam);

        Matrix x = workspace.RentDense(cells.Count + _clip.ExtraElements, Config.Width);
        Matrix patches = x.Slice(_clip.PatchOffset, cells.Count);
        sam.CopyTo(patches);
        Sequence sequence = _clip.Begin(workspace, x, cells, PatchOrder.RowMajor(cells));
        _clip.RunBlocks(pass, x, sequence, 0, _clip.BlockCount);
        _clip.End(workspace, x);

        Matrix both = workspace.Rent(cells.Count, _projection.Inputs), tokens = workspace.Rent(cells.Count, _projection.Outputs);
        patches.CopyTo(both.SliceColumns(0, Config.Width));
        sam.CopyTo(both.SliceColumns(Config.Width, _sam.Outputs));
        _projection.Forward(workspace, both, tokens);
        for (int row = 0; row < cells.Rows; row++)
        {
            int first = row * (cells.Columns + 1);
            tokens.Slice(row * cells.Columns, cells.Columns).CopyTo(embeddings.Slice(first, cells.Columns));
            _newline.Values.CopyTo(embeddings.Slice(first + cells.Columns, 1));
        }

        _separator.Values.CopyTo(embeddings.Slice(embeddings.Rows - 1, 1));
    }
}
