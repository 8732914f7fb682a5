namespace TinyMllm.Engine;

/// <summary>Bytes of a tensor that stay mapped until the pin is disposed, whoever releases the tensor or closes its file meanwhile.</summary>
internal readonly unsafe ref struct TensorPin
{
    private readonly IDisposable? _mapping;

    /// <summary>Pins <paramref name="data"/>; <paramref name="mapping"/> is disposed with the pin.</summary>
    public TensorPin(byte* data, IDisposable? mapping)
    {
        Data = data;
        _mapping = mapping;
    }

    /// <summary>First byte.</summary>
    public byte* Data { get; }

    /// <summary>The same pin, some bytes further on; takes its place.</summary>
    public TensorPin At(long offset) => new(Data + offset, _mapping);

    /// <summary>Lets the bytes go.</summary>
    public void Dispose() => _mapping?.Dispose();
}
