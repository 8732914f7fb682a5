using TinyMllm.Engine;
using TinyMllm.Weights;

namespace TinyMllm.Vision.Transformer;

/// <summary>
/// The vision transformer that all families share: [class token and] patches, learned positions, norm, blocks, norm.
/// Families put the steps together: <see cref="Begin"/>, <see cref="RunBlocks"/> (in one or several runs), <see cref="End"/>.
/// </summary>
internal sealed class VisionTransformer
{
    private readonly VisionConfig _config;
    private readonly TransformerOptions _options;
    private readonly FloatWeights? _classToken;
    private readonly PositionTable? _positions;
    private readonly INorm? _preNorm, _postNorm;
    private readonly VisionBlock[] _blocks;

    /// <summary>Takes the tensors <c>v.*</c>.</summary>
    public VisionTransformer(ModelWeights weights, VisionConfig config, TransformerOptions options)
    {
        (_config, _options) = (config, options);
        int width = config.Width;
        _classToken = weights.OptionalFloats("v.class_embd", width);
        if (weights.Has("v.position_embd.weight"))
        {
            FloatWeights rows = weights.Floats("v.position_embd.weight", width, rows: 0);
            _positions = new PositionTable(rows, options.Positions, _classToken is null ? -1 : options.ClassTokenFirst ? 0 : rows.Rows - 1);
        }

        _preNorm = weights.OptionalNorm("v.pre_ln", width, options.Norm, config.Epsilon);
        _blocks = new VisionBlock[options.Blocks ?? config.BlockCount];
        for (int i = 0; i < _blocks.Length; i++) _blocks[i] = new VisionBlock(weights, $"v.blk.{i}", config, options);
        _postNorm = weights.OptionalNorm("v.post_ln", width, options.Norm, config.Epsilon);
    }

    /// <summary>Blocks that are run.</summary>
    public int BlockCount => _blocks.Length;

    /// <summary>Patches that the position table has rows for; 0 without table.</summary>
    public int PositionCount => _positions?.Patches ?? 0;

    /// <summary>Elements before the first patch: 1 if the class token stands there.</summary>
    public int PatchOffset => _classToken is not null && _options.ClassTokenFirst ? 1 : 0;

    /// <summary>Elements of the sequence beside the patches: 1 with a class token.</summary>
    public int ExtraElements => _classToken is null ? 0 : 1;

    /// <summary>
    /// Builds the sequence in <paramref name="x"/> ([patches + <see cref="ExtraElements"/>, width]), whose patch rows hold the embedded
    /// patches: class token, positions, first norm; and what the blocks need to know about its order.
    /// </summary>
    public Sequence Begin(Workspace workspace, Matrix x, PatchGrid grid, PatchOrder order)
    {
        if (_classToken is { } token)
        {
            Matrix row = x.Slice(_options.ClassTokenFirst ? 0 : x.Rows - 1, 1);
            token.Values.CopyTo(row);
            _positions?.AddToClassToken(row);
        }

        _positions?.AddTo(workspace, x.Slice(PatchOffset, grid.Count), grid, order.Raster);
        _preNorm?.Forward(workspace, x, x);
        return Sequence.Create(workspace, grid, order, ExtraElements, _options);
    }

    /// <summary>Runs blocks <paramref name="first"/> … <paramref name="end"/> − 1 over <paramref name="x"/> in place.</summary>
    public void RunBlocks(EncodePass pass, Matrix x, Sequence sequence, int first, int end)
    {
        for (int i = first; i < end; i++)
        {
            _blocks[i].Forward(pass.Workspace, x, sequence.RotaryTable, sequence.Ranges(i));
            pass.EndBlock();
        }
    }

    /// <summary>Applies the last norm, if the file has it.</summary>
    public void End(Workspace workspace, Matrix x) => _postNorm?.Forward(workspace, x, x);
}
