using CommunityToolkit.HighPerformance;

namespace TinyMllm.Engine;

/// <summary>
/// What a layer needs beside its weights: the worker pool and scratch memory. One workspace serves one caller at a time
/// (a session, an encoder run); the pool inside may be shared by many.
/// </summary>
/// <remarks>
/// Scratch is a stack of blocks: <see cref="Rent(int, int)"/> moves a pointer, the end of a <see cref="Frame"/> moves it back. Blocks are kept, so a
/// steady state (one token after another) allocates nothing. Blocks that a growing need has left behind become one when the last frame ends.
/// A workspace that is disposed while a frame is open frees its blocks when the outermost frame ends.
/// </remarks>
public sealed unsafe class Workspace : IDisposable
{
    private const long SmallestBlock = 1 << 20;
    private const long CacheLine = 64;

    private readonly List<NativeBuffer<byte>> _blocks = [];
    private readonly Lifetime _lifetime;
    private int _frames;
    private int _block;
    private long _offset;

    private readonly bool _hugePages;

    /// <summary>Creates a workspace that runs on <paramref name="pool"/>, which it does not own.</summary>
    /// <param name="pool">The threads.</param>
    /// <param name="hugePages">Whether Linux is asked to back scratch memory with pages of 2 MiB.</param>
    public Workspace(WorkerPool pool, bool hugePages = true)
    {
        _hugePages = hugePages;
        Pool = pool;
        _lifetime = new Lifetime(this, FreeBlocks);
    }

    /// <summary>The threads that layers run on.</summary>
    public WorkerPool Pool { get; }

    /// <summary>The layer that was last run on one row; the next one is told to be its follower.</summary>
    internal Linear? LastLayer { get; set; }

    /// <summary>Bytes of scratch held.</summary>
    public long Capacity
    {
        get
        {
            long sum = 0;
            foreach (var block in _blocks) sum += block.Length;
            return sum;
        }
    }

    /// <summary>Marks the present state; disposing the frame gives back what was rented since.</summary>
    /// <exception cref="ObjectDisposedException">The workspace was disposed.</exception>
    public ScratchFrame Frame()
    {
        if (_frames == 0) _lifetime.Begin();
        _frames++;
        return new(this, _block, _offset);
    }

    /// <summary>A matrix of undefined contents, rows padded to whole cache lines, valid until the enclosing frame ends.</summary>
    public Matrix Rent(int rows, int columns)
    {
        int stride = (columns + 15) & ~15;
        return new Matrix((float*)RentBytes((long)rows * stride * sizeof(float)), rows, columns, stride);
    }

    /// <summary>Like <see cref="Rent(int, int)"/> without padding: row follows row.</summary>
    public Matrix RentDense(int rows, int columns) => new((float*)RentBytes((long)rows * columns * sizeof(float)), rows, columns);

    /// <summary>Elements of undefined contents, aligned to a cache line, valid until the enclosing frame ends.</summary>
    public T* Rent<T>(long count)
        where T : unmanaged => (T*)RentBytes(count * sizeof(T));

    /// <summary>Frees all blocks, or has them freed at the end of the outermost frame if one is open.</summary>
    public void Dispose() => _lifetime.Dispose();

    internal void Release(int block, long offset)
    {
        (_block, _offset) = (block, offset);
        if (block == 0 && offset == 0 && _blocks.Count > 1) Unite();
        if (--_frames == 0) _lifetime.End();
    }

    /// <summary>
    /// What did not fit the rest of a block was put into the next one, so that the sum holds memory that one block would not touch.
    /// </summary>
    private void Unite()
    {
        long capacity = Capacity;
        FreeBlocks();
        _blocks.Add(NativeBuffer<byte>.OfWholePages(capacity, _hugePages));
    }

    private void FreeBlocks()
    {
        foreach (var block in _blocks) block.Dispose();
        _blocks.Clear();
        (_block, _offset) = (0, 0);
    }

    private byte* RentBytes(long bytes)
    {
        if (_frames == 0) _lifetime.Check();
        bytes = Math.Max((bytes + CacheLine - 1) & -CacheLine, CacheLine);
        while (_block < _blocks.Count && _offset + bytes > _blocks.AsSpan()[_block].Length)
        {
            _block++;
            _offset = 0;
        }

        if (_block == _blocks.Count)
        {
            long size = Math.Max(bytes, Math.Max(SmallestBlock, Capacity));
            _blocks.Add(NativeBuffer<byte>.OfWholePages(size, _hugePages));
        }

        byte* result = _blocks[_block].Pointer + _offset;
        _offset += bytes;
        return result;
    }
}

/// <summary>A span of time in which scratch memory of a <see cref="Workspace"/> is held.</summary>
public readonly ref struct ScratchFrame
{
    private readonly Workspace _workspace;
    private readonly int _block;
    private readonly long _offset;

    internal ScratchFrame(Workspace workspace, int block, long offset)
    {
        _workspace = workspace;
        _block = block;
        _offset = offset;
    }

    /// <summary>Gives back everything rented since the frame began.</summary>
    public void Dispose() => _workspace.Release(_block, _offset);
}
