using System.Runtime.CompilerServices;

namespace TinyMllm.Kernels.MatMul;

/// <summary>Reading and writing the 16 outputs of a panel; the last panel may have fewer.</summary>
internal static unsafe class PanelOutput
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TRows Initial<TRows>(PanelArguments* a, int panel, int row, int k)
        where TRows : unmanaged, IRowLanes<TRows>
    {
        if (k > 0) return Load<TRows>(a, panel, row);
        TRows start = a->Bias == null ? TRows.Zero : TRows.Load(a->Bias + (16 * panel));
        return a->Accumulate ? start + Load<TRows>(a, panel, row) : start;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store<TRows>(PanelArguments* a, int panel, int row, TRows value)
        where TRows : unmanaged, IRowLanes<TRows>
    {
        float* y = a->Y + ((long)row * a->YStride) + (16 * panel);
        if ((16 * panel) + 16 <= a->Outputs) TRows.Store(value, y);
        else StoreSome(value, y, a->Outputs - (16 * panel));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TRows Load<TRows>(PanelArguments* a, int panel, int row)
        where TRows : unmanaged, IRowLanes<TRows>
    {
        float* y = a->Y + ((long)row * a->YStride) + (16 * panel);
        return (16 * panel) + 16 <= a->Outputs ? TRows.Load(y) : LoadSome<TRows>(y, a->Outputs - (16 * panel));
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void StoreSome<TRows>(TRows value, float* y, int count)
        where TRows : unmanaged, IRowLanes<TRows>
    {
        float* all = stackalloc float[16];
        TRows.Store(value, all);
        for (int i = 0; i < count; i++) y[i] = all[i];
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static TRows LoadSome<TRows>(float* y, int count)
        where TRows : unmanaged, IRowLanes<TRows>
    {
        float* all = stackalloc float[16];
        for (int i = 0; i < 16; i++) all[i] = i < count ? y[i] : 0;
        return TRows.Load(all);
    }
}
