using TinyMllm.Engine;
using TinyMllm.Vision;

namespace TinyMllm.Generation;

/// <summary>A language model with the memory of one conversation, as generation sees it. Not for two threads at once.</summary>
internal interface IDecoder : IDisposable
{
    /// <summary>Entries the memory can hold.</summary>
    int Capacity { get; }

    /// <summary>Entries held.</summary>
    int Length { get; }

    /// <summary>Number of logits.</summary>
    int VocabularySize { get; }

    /// <summary>Whether it has a state that cannot forget single entries: it goes back to a snapshot, or to the beginning.</summary>
    bool IsRecurrent { get; }

    /// <summary>Forgets all but the first <paramref name="length"/> entries; a recurrent one only forgets everything.</summary>
    void Truncate(int length);

    /// <summary>Remembers the present length and state.</summary>
    KvSnapshot Snapshot();

    /// <summary>Goes back to a snapshot of this decoder that is not longer than it is now.</summary>
    void Restore(KvSnapshot snapshot);

    /// <summary>Replaces the memory of <paramref name="target"/>, a decoder of the same model, by this one's.</summary>
    void CopyTo(IDecoder target);

    /// <summary>Writes the memory.</summary>
    void Save(Stream stream);

    /// <summary>Replaces the memory by one that <see cref="Save"/> wrote.</summary>
    void Load(Stream stream);

    /// <summary>Reads tokens.</summary>
    /// <param name="ids">Token ids.</param>
    /// <param name="position">Position of the first.</param>
    /// <param name="logits">Receives the logits behind the last token; empty if they are not wanted.</param>
    /// <param name="cancellationToken">Ends it between layers.</param>
    void Read(ReadOnlySpan<int> ids, int position, Span<float> logits, CancellationToken cancellationToken);

    /// <summary>Encodes one slice of a picture.</summary>
    /// <param name="picture">The slice.</param>
    /// <param name="progress">Told after each block, or null.</param>
    /// <param name="cancellationToken">Ends it between blocks.</param>
    /// <returns>Rows of embeddings, one after the other.</returns>
    float[] Encode(PicturePart picture, IProgress<VisionProgress>? progress, CancellationToken cancellationToken);

    /// <summary>Reads an encoded slice of a picture.</summary>
    /// <param name="picture">The slice.</param>
    /// <param name="embeddings">Its rows.</param>
    /// <param name="position">Position of the first.</param>
    /// <param name="logits">Receives the logits behind the last row; empty if they are not wanted.</param>
    /// <param name="cancellationToken">Ends it between layers.</param>
    void Read(PicturePart picture, float[] embeddings, int position, Span<float> logits, CancellationToken cancellationToken);
}
