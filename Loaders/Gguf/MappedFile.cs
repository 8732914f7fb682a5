using System.IO.MemoryMappedFiles;

namespace TinyMllm.Loaders.Gguf;

/// <summary>
/// A file mapped read-only in pieces. Every piece is a view of its own, because unmapping is the only way that .NET
/// has to take pages out of the process: a matrix that was repacked gives its pages back while its neighbours stay.
/// </summary>
internal sealed class MappedFile : IDisposable
{
    private readonly MemoryMappedFile _file;

    /// <summary>Opens <paramref name="path"/>, which must not be empty.</summary>
    public MappedFile(string path)
    {
        Path = path;
        if (Directory.Exists(path)) throw new GgufFormatException(path, "file", "a folder", "a file");
        var handle = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.Read, FileOptions.RandomAccess);
        try
        {
            Length = RandomAccess.GetLength(handle);
            if (Length < GgufHeader.MinimumLength)
                throw new GgufFormatException(path, "file", $"{Length} bytes", $"at least {GgufHeader.MinimumLength}");
            _file = MemoryMappedFile.CreateFromFile(handle, null, 0, MemoryMappedFileAccess.Read, HandleInheritability.None, leaveOpen: false);
        }
        catch (NotSupportedException)
        {
            handle.Dispose();
            throw new GgufFormatException(path, "file", "a device or pipe", "a file that can be mapped");
        }
        catch
        {
            handle.Dispose();
            throw;
        }
    }

    /// <summary>Path as given.</summary>
    public string Path { get; }

    /// <summary>Size in bytes.</summary>
    public long Length { get; }

    /// <summary>Maps <paramref name="length"/> bytes (at least one) from <paramref name="offset"/>.</summary>
    public MappedView Map(long offset, long length) => new(_file.CreateViewAccessor(offset, length, MemoryMappedFileAccess.Read));

    /// <summary>Closes the file. Views stay valid until they are disposed.</summary>
    public void Dispose() => _file.Dispose();
}

/// <summary>Mapped bytes of a <see cref="MappedFile"/>, at a fixed address until everyone who holds them has disposed them.</summary>
internal sealed unsafe class MappedView : IDisposable
{
    private readonly MemoryMappedViewAccessor _view;
    private int _holders = 1;

    public MappedView(MemoryMappedViewAccessor view)
    {
        _view = view;
        byte* page = null;
        view.SafeMemoryMappedViewHandle.AcquirePointer(ref page);
        Data = page + view.PointerOffset;
    }

    /// <summary>First byte.</summary>
    public byte* Data { get; }

    /// <summary>Asks for one more <see cref="Dispose"/> before the bytes are unmapped; somebody must be holding them.</summary>
    public void Hold() => Interlocked.Increment(ref _holders);

    /// <summary>Unmaps if nobody else holds the bytes; once for each holder.</summary>
    public void Dispose()
    {
        if (Interlocked.Decrement(ref _holders) > 0) return;
        _view.SafeMemoryMappedViewHandle.ReleasePointer();
        _view.Dispose();
    }
}
