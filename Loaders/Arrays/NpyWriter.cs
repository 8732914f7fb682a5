using System.Buffers.Binary;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using TinyMllm.Loaders.Files;

namespace TinyMllm.Loaders.Arrays;

/// <summary>Writes arrays of single-precision numbers as NumPy's <c>.npy</c> files: version 1.0, little endian, C order.</summary>
/// <remarks>Format: NumPy Enhancement Proposal 1. The header is padded so that the data starts at a multiple of 64 bytes.</remarks>
public static class NpyWriter
{
    private const int PrefixLength = 10;
    private const int Alignment = 64;

    /// <summary>Writes one array.</summary>
    /// <param name="path">File to create or replace; it appears whole or not at all.</param>
    /// <param name="values">The elements, last dimension fastest.</param>
    /// <param name="shape">The dimensions; their product is the number of elements.</param>
    /// <exception cref="ArgumentException">The shape does not match the number of elements.</exception>
    /// <exception cref="IOException">It cannot be written, or the path is a device, a pipe, a folder or a write-protected file.</exception>
    public static void Write(string path, ReadOnlySpan<float> values, params ReadOnlySpan<int> shape)
    {
        using var file = OutputFile.Create(path);
        Write(file.Stream, values, shape);
        file.Commit();
    }

    /// <summary>Writes one array.</summary>
    /// <param name="stream">Where to.</param>
    /// <param name="values">The elements, last dimension fastest.</param>
    /// <param name="shape">The dimensions; their product is the number of elements.</param>
    /// <exception cref="ArgumentException">The shape does not match the number of elements.</exception>
    public static void Write(Stream stream, ReadOnlySpan<float> values, params ReadOnlySpan<int> shape)
    {
        long count = 1;
        var sizes = new StringBuilder();
        foreach (int size in shape)
        {
            count *= size;
            sizes.Append(CultureInfo.InvariantCulture, $"{size}, ");
        }

        if (count != values.Length) throw new ArgumentException($"a shape of {count} elements for {values.Length}", nameof(shape));
        string list = shape.Length == 1 ? sizes.ToString().TrimEnd() : sizes.ToString().TrimEnd(' ', ',');
        stream.Write(Header($"{{'descr': '<f4', 'fortran_order': False, 'shape': ({list}), }}"));
        if (BitConverter.IsLittleEndian) stream.Write(MemoryMarshal.AsBytes(values));
        else WriteSwapped(stream, values);
    }

    private static byte[] Header(string dictionary)
    {
        int length = (PrefixLength + dictionary.Length + 1 + Alignment - 1) / Alignment * Alignment;
        byte[] header = new byte[length];
        ReadOnlySpan<byte> magic = [0x93, (byte)'N', (byte)'U', (byte)'M', (byte)'P', (byte)'Y', 1, 0];
        magic.CopyTo(header);
        BinaryPrimitives.WriteUInt16LittleEndian(header.AsSpan(magic.Length), (ushort)(length - PrefixLength));
        header.AsSpan(PrefixLength).Fill((byte)' ');
        Encoding.ASCII.GetBytes(dictionary, header.AsSpan(PrefixLength));
        header[^1] = (byte)'\n';
        return header;
    }

    private static void WriteSwapped(Stream stream, ReadOnlySpan<float> values)
    {
        Span<byte> bytes = stackalloc byte[sizeof(float)];
        foreach (float value in values)
        {
            BinaryPrimitives.WriteSingleLittleEndian(bytes, value);
            stream.Write(bytes);
        }
    }
}
