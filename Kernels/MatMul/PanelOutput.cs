using System.Runtime.CompilerServices;
using TinyMllm.Kernels.Simd;

namespace TinyMllm.Kernels.MatMul;

/// <summary>
/// Where a tile of rows × outputs is summed up: y itself, or for the last, partly empty panel a small copy of it. The tile kernels read and
/// write whole vectors there and call nothing, which lets the JIT keep all sums in registers (a call anywhere in a method spills every vector that lives across it).
/// </summary>
/// <typeparam name="T">The outputs: those of one panel, or of two.</typeparam>
internal unsafe struct PanelOutput<T>
    where T : unmanaged, IFloatLanes<T>
{
    /// <summary>Most rows of a tile.</summary>
    public const int MaxRows = 8;

    private readonly PanelArguments* _arguments;
    private readonly float* _y;
    private readonly float* _copy;
    private readonly float* _bias;
    private readonly int _width;

    /// <param name="arguments">The product.</param>
    /// <param name="panel">The first panel; two must be whole.</param>
    /// <param name="copy">Scratch of <see cref="MaxRows"/> panels' outputs.</param>
    public PanelOutput(PanelArguments* arguments, int panel, float* copy)
    {
        _arguments = arguments;
        _y = arguments->Y + (Panel.Outputs * panel);
        _bias = arguments->Bias == null ? null : arguments->Bias + (Panel.Outputs * panel);
        _width = Math.Min(T.Count, arguments->Outputs - (Panel.Outputs * panel));
        _copy = _width == T.Count ? null : copy;
    }

    /// <summary>Floats from one row of the tile to the next.</summary>
    public readonly long Stride => _copy == null ? _arguments->YStride : T.Count;

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
            new ReadOnlySpan<float>(_copy + (T.Count * r), _width).CopyTo(new Span<float>(_y + ((long)(row + r) * _arguments->YStride), _width));
    }

    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    private readonly void FillWithBias(float* tile, int rows)
    {
        T bias = T.Load(_bias);
        for (int r = 0; r < rows; r++, tile += _arguments->YStride) T.Store(bias, tile);
    }

    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    private readonly void AddBias(float* tile, int rows)
    {
        T bias = T.Load(_bias);
        for (int r = 0; r < rows; r++, tile += _arguments->YStride) T.Store(T.Load(tile) + bias, tile);
    }

    /// <summary>Fills the copy of a partly empty panel's tile.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private readonly void Fill(int row, int rows, int k)
    {
        bool old = _arguments->Accumulate || k > 0;
        for (int r = 0; r < rows; r++)
        {
            float* y = _y + ((long)(row + r) * _arguments->YStride);
            float* tile = _copy + (T.Count * r);
            for (int i = 0; i < _width; i++)
            {
                float value = old ? y[i] : 0;
                if (k == 0 && _bias != null) value += _bias[i];
                tile[i] = value;
            }
        }
    }
}
