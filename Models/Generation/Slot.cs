using TinyMllm.Engine;
using TinyMllm.Generation.Sessions;
using TinyMllm.Vision;

namespace TinyMllm.Generation;

/// <summary>
/// The memory of one conversation: what a model has read, which tokens and pictures that were, and room for one position's logits. Not for two
/// threads at once. <see cref="ModelSlot"/> is that of a real model.
/// </summary>
internal abstract class Slot : IDisposable
{
    /// <param name="vocabularySize">Number of logits.</param>
    protected Slot(int vocabularySize) => (Logits, Checkpoints) = (new float[vocabularySize], new Checkpoints(this));

    /// <summary>What lies in the memory, entry by entry.</summary>
    public Timeline Timeline { get; } = new();

    /// <summary>The logits behind the last entry for which they were wanted.</summary>
    public float[] Logits { get; }

    /// <summary>Places that a recurrent model can go back to.</summary>
    public Checkpoints Checkpoints { get; }

    /// <summary>Entries the memory can hold.</summary>
    public abstract int Capacity { get; }

    /// <summary>Entries held.</summary>
    public abstract int Length { get; }

    /// <summary>Whether the model has a state that cannot forget single entries: it goes back to a snapshot, or to the beginning.</summary>
    public abstract bool IsRecurrent { get; }

    /// <summary>Reads tokens.</summary>
    /// <param name="tokens">Token ids.</param>
    /// <param name="wantsLogits">Whether <see cref="Logits"/> are to be those behind the last one.</param>
    /// <param name="cancellationToken">Ends it between layers.</param>
    public void Read(ReadOnlySpan<int> tokens, bool wantsLogits, CancellationToken cancellationToken)
    {
        Forward(tokens, Timeline.NextPosition, wantsLogits ? Logits : [], cancellationToken);
        foreach (int token in tokens) Timeline.Add(token);
    }

    /// <summary>Reads an encoded tile of a picture.</summary>
    /// <param name="picture">The tile.</param>
    /// <param name="embeddings">Its rows.</param>
    /// <param name="wantsLogits">Whether <see cref="Logits"/> are to be those behind the last row.</param>
    /// <param name="cancellationToken">Ends it between layers.</param>
    public void Read(PicturePart picture, float[] embeddings, bool wantsLogits, CancellationToken cancellationToken)
    {
        Forward(picture, embeddings, Timeline.NextPosition, wantsLogits ? Logits : [], cancellationToken);
        Timeline.Add(picture);
    }

    /// <summary>Reads one generated token; afterwards the logits are those behind it. A failure leaves what was read before.</summary>
    public void ReadGenerated(int token, CancellationToken cancellationToken)
    {
        try
        {
            Read([token], wantsLogits: true, cancellationToken);
        }
        catch
        {
            Recover();
            throw;
        }
    }

    /// <summary>
    /// Forgets what the prompt does not share and leaves at least the prompt's last item to be read, because only reading gives logits.
    /// </summary>
    /// <returns>The parts of the prompt that remain to be read.</returns>
    public List<PromptPart> Keep(IReadOnlyList<PromptPart> prompt)
    {
        Timeline.Truncate(Checkpoints.ReturnTo(Timeline.TokensToKeep(prompt)));
        return Timeline.NotYetIn(prompt);
    }

    /// <summary>After a failure that may have left the memory half written: goes back to what is known to be whole.</summary>
    public void Recover() => Timeline.Truncate(Checkpoints.ReturnTo(Timeline.Tokens, intact: false));

    /// <summary>Replaces what <paramref name="target"/> holds, a slot of the same model, by what this one holds.</summary>
    public void CopyTo(Slot target)
    {
        CopyMemoryTo(target);
        target.Timeline.CopyFrom(Timeline);
        target.Checkpoints.CopyFrom(Checkpoints);
    }

    /// <summary>Writes the memory as far as its pictures are those of a conversation; what is behind is forgotten here too.</summary>
    public void Save(BinaryWriter writer, IReadOnlyList<PictureKey> pictures)
    {
        Timeline.Truncate(Checkpoints.ReturnTo(Timeline.TokensBeforeUnknown(pictures.ToHashSet())));
        Timeline.Save(writer, pictures);
        writer.Flush();
        SaveMemory(writer.BaseStream);
        Checkpoints.Save(writer);
    }

    /// <summary>Reads a memory that <see cref="Save"/> wrote.</summary>
    public void Load(SessionReader reader, IReadOnlyList<PictureKey> pictures)
    {
        Timeline.Load(reader, pictures, Logits.Length, Capacity);
        reader.Guard(LoadMemory);
        if (Length != Timeline.Tokens) throw SessionReader.Damaged($"{Length} tokens in the cache", $"{Timeline.Tokens}");
        Checkpoints.Load(reader);
    }

    /// <summary>Encodes one tile of a picture.</summary>
    /// <param name="picture">The tile.</param>
    /// <param name="progress">Told after each block, or null.</param>
    /// <param name="cancellationToken">Ends it between blocks.</param>
    /// <returns>Rows of embeddings, one after the other.</returns>
    public abstract float[] Encode(PicturePart picture, IProgress<VisionProgress>? progress, CancellationToken cancellationToken);

    /// <summary>Forgets all but the first <paramref name="length"/> entries; a recurrent model only forgets everything.</summary>
    public abstract void Truncate(int length);

    /// <summary>The present length and state, to come back to.</summary>
    public abstract KvSnapshot Snapshot();

    /// <summary>Goes back to a snapshot of this memory that is not longer than it is now.</summary>
    public abstract void Restore(KvSnapshot snapshot);

    /// <inheritdoc/>
    public abstract void Dispose();

    /// <summary>Replaces the cache of <paramref name="target"/>, a slot of the same model, by this one's.</summary>
    protected abstract void CopyMemoryTo(Slot target);

    /// <summary>Writes the cache.</summary>
    protected abstract void SaveMemory(Stream stream);

    /// <summary>Replaces the cache by one that <see cref="SaveMemory"/> wrote.</summary>
    protected abstract void LoadMemory(Stream stream);

    /// <summary>Runs tokens through the model.</summary>
    /// <param name="tokens">Token ids.</param>
    /// <param name="position">Position of the first.</param>
    /// <param name="logits">Receives the logits behind the last token; empty if they are not wanted.</param>
    /// <param name="cancellationToken">Ends it between layers.</param>
    protected abstract void Forward(ReadOnlySpan<int> tokens, int position, Span<float> logits, CancellationToken cancellationToken);

    /// <summary>Runs the embedding rows of a tile through the model.</summary>
    /// <param name="picture">The tile.</param>
    /// <param name="embeddings">Its rows.</param>
    /// <param name="position">Position of the first.</param>
    /// <param name="logits">Receives the logits behind the last row; empty if they are not wanted.</param>
    /// <param name="cancellationToken">Ends it between layers.</param>
    protected abstract void Forward(PicturePart picture, float[] embeddings, int position, Span<float> logits, CancellationToken cancellationToken);
}
