using System.Buffers;

namespace TinyMllm.Loaders.Text.Tokenizers.Segmenters;

/// <summary>An array on loan from the shared pool, given back on <see cref="Dispose"/>.</summary>
internal readonly ref struct Scratch<T>
{
    private readonly T[] _array;
    private readonly int _length;

    public Scratch(int length)
    {
        _array = ArrayPool<T>.Shared.Rent(length);
        _length = length;
    }

    /// <summary>The memory; contents undefined.</summary>
    public Span<T> Span => _array.AsSpan(0, _length);

    public void Dispose() => ArrayPool<T>.Shared.Return(_array);
}
