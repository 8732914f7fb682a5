using System.Globalization;
using System.Text;

namespace TinyMllm.Cli.Support;

/// <summary>
/// A 64-bit hash that stays the same from run to run: FNV-1a. It tells things apart that differ by accident; nobody is kept from making two
/// that agree. .NET's own cryptographic hashes need the system's OpenSSL on Linux.
/// </summary>
internal sealed class ShortHash
{
    private const ulong Prime = 0x100000001b3;
    private const int Samples = 64, SampleBytes = 4096;

    private ulong _state = 0xcbf29ce484222325;

    public void Add(ReadOnlySpan<byte> bytes)
    {
        foreach (byte value in bytes) _state = (_state ^ value) * Prime;
    }

    /// <summary>Adds a text and its length, so that "ab", "c" differs from "a", "bc".</summary>
    public void Add(string text)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        Add(BitConverter.GetBytes(bytes.Length));
        Add(bytes);
    }

    /// <summary>Adds a file's length and pieces spread evenly over it: enough to tell two models of the same name and size apart.</summary>
    public void AddFile(string path)
    {
        using FileStream file = new(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 0);
        Add(BitConverter.GetBytes(file.Length));
        byte[] piece = new byte[SampleBytes];
        for (int i = 0; i < Samples; i++)
        {
            file.Position = Math.Max(0, file.Length - SampleBytes) * i / (Samples - 1);
            Add(piece.AsSpan(0, file.ReadAtLeast(piece, piece.Length, throwOnEndOfStream: false)));
        }
    }

    /// <summary>Sixteen hexadecimal digits.</summary>
    public override string ToString() => _state.ToString("x16", CultureInfo.InvariantCulture);
}
