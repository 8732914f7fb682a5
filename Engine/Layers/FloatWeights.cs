namespace TinyMllm.Engine;

/// <summary>A vector or matrix of weights that is used as float32, whatever the file stores: norms, biases, tables of positions.</summary>
/// <param name="tensor">The stored values.</param>
internal sealed unsafe class FloatWeights(StoredTensor tensor) : IStoredWeights
{
    private NativeBuffer<float>? _values;

    /// <summary>Values per row.</summary>
    public int Columns => tensor.Columns;

    /// <summary>Rows; 1 for a vector.</summary>
    public int Rows => tensor.Rows;

    /// <summary>Number of values.</summary>
    public long Length => tensor.ElementCount;

    /// <inheritdoc/>
    public long StoredBytes => tensor.ByteCount;

    /// <summary>First value.</summary>
    /// <exception cref="InvalidOperationException">The weights are not loaded.</exception>
    /// <exception cref="ObjectDisposedException">They were freed.</exception>
    public float* Pointer => (_values ?? throw new InvalidOperationException($"the weights '{tensor.Name}' are not loaded")).Pointer;

    /// <summary>All values.</summary>
    public ReadOnlySpan<float> Span => new(Pointer, checked((int)Length));

    /// <summary>The values as [<see cref="Rows"/>, <see cref="Columns"/>].</summary>
    public Matrix Values => new(Pointer, Rows, Columns);

    /// <summary>Reads a tensor at once.</summary>
    public static FloatWeights Read(StoredTensor tensor)
    {
        var weights = new FloatWeights(tensor);
        weights.Load();
        return weights;
    }

    /// <inheritdoc/>
    public void Load()
    {
        if (_values is not null) return;
        _values = tensor.DecodeToBuffer();
        tensor.Release();
    }

    /// <inheritdoc/>
    public void Dispose() => _values?.Dispose();
}
