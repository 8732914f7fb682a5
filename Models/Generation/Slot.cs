namespace TinyMllm.Generation;

/// <summary>A decoder with the memory of one conversation, what lies in it, and room for one position's logits.</summary>
internal sealed class Slot(IDecoder decoder) : IDisposable
{
    public IDecoder Decoder { get; } = decoder;

    public Timeline Timeline { get; } = new();

    public float[] Logits { get; } = new float[decoder.VocabularySize];

    /// <summary>Empties the memory, after a failure that may have left it half written.</summary>
    public void Reset()
    {
        Timeline.Clear();
        Decoder.Truncate(0);
    }

    public void Dispose() => Decoder.Dispose();
}
