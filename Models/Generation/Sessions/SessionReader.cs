using System.Runtime.InteropServices;
using System.Text;

namespace TinyMllm.Generation.Sessions;

/// <summary>
/// Reads a saved session. Every number is checked before anything depends on it, and memory grows with the bytes that arrive: a stream of
/// a few bytes cannot ask for much.
/// </summary>
/// <param name="stream">The saved session.</param>
internal sealed class SessionReader(Stream stream) : IDisposable
{
    private const int Step = 1 << 20;

    private readonly BinaryReader _reader = new(stream, Encoding.UTF8, leaveOpen: true);

    /// <summary>A number of things.</summary>
    public int Count(int most, string what) => Between(0, most, what);

    /// <summary>A number between two bounds, both included.</summary>
    /// <exception cref="SessionFormatException">It is outside of them.</exception>
    public int Between(int least, int most, string what)
    {
        int value = Guard(_ => _reader.ReadInt32());
        return value >= least && value <= most ? value : throw Damaged($"{value} as {what}", $"{least} to {most}");
    }

    /// <summary>A number of 64 bits.</summary>
    public long Int64() => Guard(_ => _reader.ReadInt64());

    /// <summary>A truth value.</summary>
    public bool Boolean() => Between(0, 1, "a truth value") == 1;

    /// <summary>A text, or null.</summary>
    public string? Text() => Boolean() ? Encoding.UTF8.GetString(Bytes(Between(0, int.MaxValue, "the bytes of a text"))) : null;

    /// <summary>Numbers of single precision.</summary>
    public float[] Floats(int count)
    {
        var values = new float[count];
        Guard(source => source.ReadExactly(MemoryMarshal.AsBytes(values.AsSpan())));
        return values;
    }

    /// <summary>So many bytes.</summary>
    public byte[] Bytes(int count)
    {
        if (count <= Step)
        {
            var few = new byte[count];
            Guard(source => source.ReadExactly(few));
            return few;
        }

        using var bytes = new MemoryStream();
        var step = new byte[Step];
        for (int rest = count; rest > 0; rest -= Step)
        {
            int length = Math.Min(rest, Step);
            Guard(source => source.ReadExactly(step, 0, length));
            bytes.Write(step, 0, length);
        }

        return bytes.ToArray();
    }

    /// <summary>Reads something else from the stream.</summary>
    /// <exception cref="SessionFormatException">The stream ends, or has something else.</exception>
    public void Guard(Action<Stream> read) => Guard(source =>
    {
        read(source);
        return true;
    });

    /// <summary>An error of the stream.</summary>
    public static SessionFormatException Damaged(string found, string expected, Exception? cause = null) =>
        new($"saved session: found {found}, expected {expected}", cause);

    public void Dispose() => _reader.Dispose();

    private T Guard<T>(Func<Stream, T> read)
    {
        try
        {
            return read(stream);
        }
        catch (EndOfStreamException end)
        {
            throw Damaged("the end", "more bytes", end);
        }
        catch (ArgumentException problem)
        {
            throw new SessionFormatException($"saved session: {problem.Message}", problem);
        }
    }
}
