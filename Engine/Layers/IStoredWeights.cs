namespace TinyMllm.Engine;

/// <summary>
/// Weights that a model describes first and reads later: shapes are known and checked as soon as the object exists, memory is taken by <see cref="Load"/>.
/// </summary>
internal interface IStoredWeights : IDisposable
{
    /// <summary>Bytes that they take in the file.</summary>
    long StoredBytes { get; }

    /// <summary>Reads the weights; does nothing when they are there.</summary>
    void Load();
}
