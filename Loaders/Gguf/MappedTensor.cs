using TinyMllm.Engine;
using TinyMllm.Kernels.Quantization;

namespace TinyMllm.Loaders.Gguf;

/// <summary>
/// A tensor of an open <see cref="GgufFile"/>: mapped when its data is first asked for, unmapped by <see cref="Release"/>.
/// </summary>
internal sealed unsafe class MappedTensor : StoredTensor, IDisposable
{
    /// <summary>Bytes that are looked at at a time.</summary>
    private const long PieceBytes = 16 << 20;

    private readonly MappedFile _file;
    private readonly long _offset;
    private readonly Lock _lock = new();
    private MappedView? _view;
    private bool _disposed;

    public MappedTensor(MappedFile file, string name, TensorType type, long[] dimensions, long offset)
        : base(name, type, dimensions, null)
    {
        _file = file;
        _offset = offset;
    }

    /// <summary>First byte; null for a tensor without values.</summary>
    /// <exception cref="ObjectDisposedException">The file was closed.</exception>
    public override byte* Data
    {
        get
        {
            lock (_lock) return View() is { } view ? view.Data : null;
        }
    }

    /// <exception cref="ObjectDisposedException">The file was closed.</exception>
    internal override TensorPin Pin()
    {
        lock (_lock)
        {
            if (View() is not { } view) return default;
            view.Hold();
            return new TensorPin(view.Data, view);
        }
    }

    public override void Release()
    {
        lock (_lock)
        {
            _view?.Dispose();
            _view = null;
        }
    }

    /// <summary>Looks for NaN and infinite numbers in the whole tensor, through a view of its own; true if there are.</summary>
    public bool IsInvalid(CancellationToken cancellationToken)
    {
        if (ByteCount == 0) return false;
        int rows = (int)Math.Clamp(PieceBytes / RowBytes, 1, Rows);
        for (int first = 0; first < Rows && InvalidBlock < 0; first += rows)
        {
            cancellationToken.ThrowIfCancellationRequested();
            int count = Math.Min(rows, Rows - first);
            using MappedView view = _file.Map(_offset + (first * RowBytes), count * RowBytes);
            CheckRows(view.Data, first, count);
        }

        return InvalidBlock >= 0;
    }

    public void Dispose()
    {
        lock (_lock) _disposed = true;
        Release();
    }

    /// <summary>The mapping, made now if need be; null for a tensor without values.</summary>
    private MappedView? View()
    {
        ObjectDisposedException.ThrowIf(_disposed, typeof(GgufFile));
        return ByteCount == 0 ? null : _view ??= _file.Map(_offset, ByteCount);
    }
}
