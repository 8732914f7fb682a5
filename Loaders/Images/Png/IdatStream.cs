namespace TinyMllm.Loaders.Images.Png;

/// <summary>The bodies of all IDAT chunks as one stream, read straight from the file's pinned bytes.</summary>
internal sealed unsafe class IdatStream(byte* file, List<(int Offset, int Length)> chunks) : Stream
{
    private int _chunk;
    private int _taken;

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override int Read(Span<byte> buffer)
    {
        while (_chunk < chunks.Count && _taken == chunks[_chunk].Length) (_chunk, _taken) = (_chunk + 1, 0);
        if (_chunk == chunks.Count) return 0;

        (int offset, int length) = chunks[_chunk];
        int count = Math.Min(buffer.Length, length - _taken);
        new ReadOnlySpan<byte>(file + offset + _taken, count).CopyTo(buffer);
        _taken += count;
        return count;
    }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override void Flush()
    {
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
}
