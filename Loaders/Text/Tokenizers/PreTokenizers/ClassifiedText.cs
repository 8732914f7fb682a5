using System.Buffers;
using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Text;

namespace TinyMllm.Loaders.Text.Tokenizers.PreTokenizers;

/// <summary>
/// Text as code points with their classes, what word patterns match against. One <see cref="uint"/> per code point: 21 bits of
/// value, 11 bits of <see cref="CharClass"/>. Positions count code points.
/// </summary>
internal readonly ref struct ClassifiedText
{
    private const int ClassShift = 21;
    private readonly ReadOnlySpan<uint> _characters;

    private ClassifiedText(ReadOnlySpan<uint> characters) => _characters = characters;

    /// <summary>Number of code points.</summary>
    public int Length => _characters.Length;

    /// <summary>The code point at <paramref name="at"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int CodePoint(int at) => (int)(_characters[at] & ((1u << ClassShift) - 1));

    /// <summary>Whether the code point at <paramref name="at"/> is in one of the classes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool Is(int at, CharClass classes) => (_characters[at] & ((uint)classes << ClassShift)) != 0;

    /// <summary>Whether the code point at <paramref name="at"/> is a carriage return or a line feed.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool IsNewLine(int at) => CodePoint(at) is '\r' or '\n';

    /// <summary>End of the run of <paramref name="classes"/> that starts at <paramref name="at"/>.</summary>
    public int SkipRun(CharClass classes, int at, int end)
    {
        while (at < end && Is(at, classes)) at++;
        return at;
    }

    /// <summary>End of the run outside <paramref name="classes"/> that starts at <paramref name="at"/>.</summary>
    public int SkipOutside(CharClass classes, int at, int end)
    {
        while (at < end && !Is(at, classes)) at++;
        return at;
    }

    /// <summary>End of the run of at most <paramref name="most"/> carriage returns and line feeds.</summary>
    public int SkipNewLines(int at, int end, int most = int.MaxValue)
    {
        for (int left = most; left > 0 && at < end && IsNewLine(at); left--) at++;
        return at;
    }

    /// <summary>Bytes that the code points from <paramref name="start"/> to <paramref name="end"/> take in UTF-8.</summary>
    public int Utf8Length(int start, int end)
    {
        int bytes = end - start;
        foreach (uint character in _characters[start..end])
        {
            uint codePoint = character & ((1u << ClassShift) - 1);
            if (codePoint >= 0x80) bytes += codePoint < 0x800 ? 1 : codePoint < 0x10000 ? 2 : 3;
        }

        return bytes;
    }

    /// <summary>Decodes well-formed UTF-8.</summary>
    /// <param name="utf8">Well-formed text.</param>
    /// <param name="buffer">Room for as many characters as <paramref name="utf8"/> has bytes.</param>
    public static ClassifiedText Decode(ReadOnlySpan<byte> utf8, Span<uint> buffer)
    {
        int count = 0;
        while (!utf8.IsEmpty)
        {
            int codePoint = utf8[0];
            int length = 1;
            if (codePoint >= 0x80)
            {
                OperationStatus status = Rune.DecodeFromUtf8(utf8, out Rune rune, out length);
                Debug.Assert(status == OperationStatus.Done, "the text was checked before");
                codePoint = rune.Value;
            }

            buffer[count++] = (uint)codePoint | ((uint)CharClasses.Of(codePoint) << ClassShift);
            utf8 = utf8[length..];
        }

        return new ClassifiedText(buffer[..count]);
    }
}
