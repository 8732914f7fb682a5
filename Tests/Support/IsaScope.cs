using TinyMllm.Kernels;

namespace TinyMllm.Tests.Support;

/// <summary>Makes an instruction set the current one until it is disposed.</summary>
internal sealed class IsaScope : IDisposable
{
    private readonly Isa _before = Isa.Current;

    public IsaScope(Isa isa) => Isa.Current = isa;

    public void Dispose() => Isa.Current = _before;
}
