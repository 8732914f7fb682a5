namespace TinyMllm.Loaders.Images;

/// <summary>Reads a picture file into memory, unless it is larger than allowed. Growing streams, pipes for instance, are read as they come.</summary>
internal static class FileBytes
{
    private const int FirstBuffer = 1 << 16;

    /// <summary>Reads a stream to its end.</summary>
    /// <exception cref="ImageFormatException">There are more than <paramref name="limit"/> bytes.</exception>
    public static ReadOnlySpan<byte> Read(Stream stream, long limit, CancellationToken cancellationToken)
    {
        byte[] buffer = Begin(stream, ref limit);
        int filled = 0;
        while (stream.Read(buffer, filled, buffer.Length - filled) is > 0 and int count)
        {
            cancellationToken.ThrowIfCancellationRequested();
            filled = Grow(ref buffer, filled + count, limit);
        }

        return buffer.AsSpan(0, filled);
    }

    /// <summary>Reads a stream to its end.</summary>
    /// <exception cref="ImageFormatException">There are more than <paramref name="limit"/> bytes.</exception>
    public static async Task<ReadOnlyMemory<byte>> ReadAsync(Stream stream, long limit, CancellationToken cancellationToken)
    {
        byte[] buffer = Begin(stream, ref limit);
        int filled = 0;
        while (await stream.ReadAsync(buffer.AsMemory(filled), cancellationToken).ConfigureAwait(false) is > 0 and int count)
            filled = Grow(ref buffer, filled + count, limit);
        return buffer.AsMemory(0, filled);
    }

    /// <summary>One byte more than the file has, so that its end shows without another buffer.</summary>
    private static byte[] Begin(Stream stream, ref long limit)
    {
        limit = Math.Min(limit, Array.MaxLength - 1);
        long length = stream.CanSeek ? stream.Length - stream.Position : 0;
        if (length > limit) throw TooLarge(limit);
        return new byte[length > 0 ? length + 1 : FirstBuffer];
    }

    private static int Grow(ref byte[] buffer, int filled, long limit)
    {
        if (filled > limit) throw TooLarge(limit);
        if (filled == buffer.Length) Array.Resize(ref buffer, (int)Math.Min(2L * filled, limit + 1));
        return filled;
    }

    private static ImageFormatException TooLarge(long limit) => new($"the file has more than {limit} bytes, the limit for pictures");
}
