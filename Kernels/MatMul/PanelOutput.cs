using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace TinyMllm.Kernels.MatMul;

/// <summary>
/// Where a tile of rows × 16 outputs is summed up: y itself, or for the last, partly empty panel a small copy of it. The tile kernels read and
/// write whole vectors there and call nothing, which lets the JIT keep all accumulators in registers (a call anywhere in a method spills every vector that lives across it).
/// </summary>
internal unsafe struct PanelOutput
{
    /// <summary>Most rows of a tile.</summary>
    public const int MaxRows = 8;

    private readonly PanelArguments* _arguments;
    private readonly float* _y;
    private readonly float* _copy;
    private readonly float* _bias;
    private readonly int _width;

    /// <param name="arguments">The product.</param>
    /// <param name="panel">The panel.</param>
    /// <param name="copy">Scratch of <see cref="MaxRows"/> · 16 floats.</param>
    public PanelOutput(PanelArguments* arguments, int panel, float* copy)
    {
        _arguments = arguments;
        _y = arguments->Y + (16 * panel);
        _bias = arguments->Bias == null ? null : arguments->Bias + (16 * panel);
        _width = Math.Min(16, arguments->Outputs - (16 * panel));
        _copy = _width == 16 ? null : copy;
    }

    /// <summary>Floats from one row of the tile to the next.</summary>
    public readonly long Stride => _copy == null ? _arguments->YStride : 16;

    /// <summary>Gets the tile of <paramref name="rows"/> rows ready and tells whether sums start from what it holds or from zero.</summary>
    /// <param name="row">First row.</param>
    /// <param name="rows">Rows of the tile.</param>
    /// <param name="k">First k of this pass; later passes go on with the sums of the earlier ones.</param>
    /// <param name="tile">The tile.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly bool Begin(int row, int rows, int k, out float* tile)
    {
        tile = _copy == null ? _y + ((long)row * _arguments->YStride) : _copy;
        if (_copy == null && k > 0) return true;
        if (_copy == null && _bias == null) return _arguments->Accumulate;
        if (_copy != null) Fill(row, rows, k);
        else if (_arguments->Accumulate) AddBias(tile, rows);
        else FillWithBias(tile, rows);
        return true;
    }

    /// <summary>Copies a tile of a partly empty panel to y.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly void End(int row, int rows)
    {
        if (_copy == null) return;
        for (int r = 0; r < rows; r++)
            new ReadOnlySpan<float>(_copy + (16 * r), _width).CopyTo(new Span<float>(_y + ((long)(row + r) * _arguments->YStride), _width));
    }

    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    private readonly void FillWithBias(float* tile, int rows)
    {
        var low = Vector256.Load(_bias);
        var high = Vector256.Load(_bias + 8);
        for (int r = 0; r < rows; r++, tile += _arguments->YStride)
        {
            low.Store(tile);
            high.Store(tile + 8);
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    private readonly void AddBias(float* tile, int rows)
    {
        var low = Vector256.Load(_bias);
        var high = Vector256.Load(_bias + 8);
        for (int r = 0; r < rows; r++, tile += _arguments->YStride)
        {
            (Vector256.Load(tile) + low).Store(tile);
            (Vector256.Load(tile + 8) + high).Store(tile + 8);
        }
    }

    /// <summary>Fills the copy of a partly empty panel's tile.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private readonly void Fill(int row, int rows, int k)
    {
        bool old = _arguments->Accumulate || k > 0;
        for (int r = 0; r < rows; r++)
        {
            float* y = _y + ((long)(row + r) * _arguments->YStride);
            float* tile = _copy + (16 * r);
            for (int i = 0; i < _width; i++)
            {
                float value = old ? y[i] : 0;
                if (k == 0 && _bias != null) value += _bias[i];
                tile[i] = value;
            }
        }
    }
}
