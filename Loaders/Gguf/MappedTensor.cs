using TinyMllm.Engine;
using TinyMllm.Kernels.Quantization;

namespace TinyMllm.Loaders.Gguf;

/// <summary>
/// A tensor of an open <see cref="GgufFile"/>: mapped when its data is first asked for, unmapped by <see cref="Release"/>.
/// </summary>
internal sealed unsafe class MappedTensor : StoredTensor, IDisposable
{
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
            lock (_lock)
            {
                ObjectDisposedException.ThrowIf(_disposed, typeof(GgufFile));
                if (ByteCount == 0) return null;
                _view ??= _file.Map(_offset, ByteCount);
                return _view.Data;
            }
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

    public void Dispose()
    {
        lock (_lock) _disposed = true;
        Release();
    }
}
