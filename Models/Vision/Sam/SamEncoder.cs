using TinyMllm.Engine;
using TinyMllm.Vision.Families;
using TinyMllm.Vision.Transformer;
using TinyMllm.Weights;

namespace TinyMllm.Vision.Sam;

/// <summary>
/// The picture encoder of Segment Anything as DeepSeek-OCR has it: 16×16 patches, blocks with windowed attention (every third sees
/// everything), and a neck of convolutions that reduces the grid four times per side.
/// </summary>
internal sealed class SamEncoder
{
    private const int GlobalEvery = 3;

    private readonly SamOptions _options;
    private readonly PatchEmbedding _patches;
    private readonly PositionTable _positions;
    private readonly SamBlock[] _blocks;
    private readonly ConvolutionLayer[] _neck;
    private readonly INorm?[] _neckNorms;

    /// <summary>Takes the tensors <c>v.sam.*</c>.</summary>
    public SamEncoder(ModelWeights weights, VisionConfig config)
    {
        _options = SamOptions.Read(weights.Metadata, config.Epsilon);
        _patches = new PatchEmbedding(weights, config, "v.sam.patch_embd", _options.Width);
        _positions = new PositionTable(weights.Floats("v.sam.pos_embd.weight", _options.Width, rows: 0), PositionFitting.Cubic, classRow: -1);
        _blocks = new SamBlock[_options.BlockCount];
        for (int i = 0; i < _blocks.Length; i++) _blocks[i] = new SamBlock(weights, $"v.sam.blk.{i}", _options, config.Activation);

        var first = new ConvolutionLayer(weights, "v.sam.neck.0", 1, _options.Width, stride: 1);
        var second = new ConvolutionLayer(weights, "v.sam.neck.2", 3, first.Outputs, stride: 1);
        var third = new ConvolutionLayer(weights, "v.sam.net_2", 3, second.Outputs, stride: 2);
        _neck = [first, second, third, new ConvolutionLayer(weights, "v.sam.net_3", 3, third.Outputs, stride: 2)];
        _neckNorms =
        [
            weights.Norm("v.sam.neck.1", first.Outputs, NormKind.Layer, config.Epsilon),
            weights.Norm("v.sam.neck.3", second.Outputs, NormKind.Layer, config.Epsilon),
            null,
            null,
        ];
    }

    /// <summary>Blocks.</summary>
    public int BlockCount => _blocks.Length;

    /// <summary>Features per cell of the result.</summary>
    public int Outputs => _neck[^1].Outputs;

    /// <summary>The grid of the result.</summary>
    public PatchGrid OutputGrid(PatchGrid grid) => _neck.Aggregate(grid, (cells, layer) => layer.OutputGrid(cells));

    /// <summary>Encodes a square tile.</summary>
    /// <param name="pass">Threads, scratch, progress.</param>
    /// <param name="tile">The picture.</param>
    /// <param name="grid">Its patches.</param>
    /// <param name="output">[cells of <see cref="OutputGrid"/>, <see cref="Outputs"/>], row-major, dense.</param>
    public void Encode(EncodePass pass, ImageTile tile, PatchGrid grid, Matrix output)
    {
        Workspace workspace = pass.Workspace;
        using var frame = workspace.Frame();
        var order = PatchOrder.RowMajor(grid);
        Matrix x = workspace.RentDense(grid.Count, _options.Width);
        _patches.Forward(workspace, tile, order.Raster, x);
        _positions.AddTo(workspace, x, grid, order.Raster);

        SamWindows local = new(grid, _options.Window), global = new(grid, grid.Columns);
        for (int i = 0; i < _blocks.Length; i++)
        {
            _blocks[i].Forward(workspace, x, (i + 1) % GlobalEvery == 0 ? global : local);
            pass.EndBlock();
        }

        for (int i = 0; i < _neck.Length; i++)
        {
            PatchGrid smaller = _neck[i].OutputGrid(grid);
            Matrix y = i == _neck.Length - 1 ? output : workspace.RentDense(smaller.Count, _neck[i].Outputs);
            _neck[i].Forward(workspace, x, grid, y);
            _neckNorms[i]?.Forward(workspace, y, y);
            (x, grid) = (y, smaller);
        }
    }
}
