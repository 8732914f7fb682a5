using System.Runtime.CompilerServices;

namespace TinyMllm.Loaders.Text.Tokenizers;

/// <summary>Byte strings numbered from 0, one behind the other in one block of memory.</summary>
/// <param name="capacity">Expected number of strings; grows beyond.</param>
internal sealed class ByteStrings(int capacity)
{
    private byte[] _bytes = new byte[Math.Max(capacity, 16)];
    private int[] _ends = new int[Math.Max(capacity, 16)];

    /// <summary>Number of strings.</summary>
    public int Count { get; private set; }

    /// <summary>Length in bytes of the longest.</summary>
    public int MaximumLength { get; private set; }

    /// <summary>The string with this number.</summary>
    public ReadOnlySpan<byte> this[int index] => _bytes.AsSpan(Start(index), _ends[index] - Start(index));

    /// <summary>Adds a string under the next number, which is returned.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public int Add(ReadOnlySpan<byte> text)
    {
        int start = Start(Count);
        int end = checked(start + text.Length);
        if (end > _bytes.Length) Array.Resize(ref _bytes, (int)Math.Min(Math.Max(2L * _bytes.Length, end), Array.MaxLength));
        if (Count == _ends.Length) Array.Resize(ref _ends, checked(2 * Count));
        text.CopyTo(_bytes.AsSpan(start));
        _ends[Count] = end;
        MaximumLength = Math.Max(MaximumLength, text.Length);
        return Count++;
    }

    private int Start(int index) => index == 0 ? 0 : _ends[index - 1];
}
