using TinyMllm.Generation.Sessions;

namespace TinyMllm.Generation;

/// <summary>A decoder with the memory of one conversation, what lies in it, and room for one position's logits.</summary>
internal sealed class Slot(IDecoder decoder) : IDisposable
{
    public IDecoder Decoder { get; } = decoder;

    public Timeline Timeline { get; } = new();

    public float[] Logits { get; } = new float[decoder.VocabularySize];

    /// <summary>Places that a recurrent decoder can go back to.</summary>
    public Checkpoints Checkpoints { get; } = new(decoder);

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
        Decoder.CopyTo(target.Decoder);
        target.Timeline.CopyFrom(Timeline);
        target.Checkpoints.CopyFrom(Checkpoints);
    }

    /// <summary>Writes the memory as far as its pictures are those of a conversation; what is behind is forgotten here too.</summary>
    public void Save(BinaryWriter writer, IReadOnlyList<PictureKey> pictures)
    {
        Timeline.Truncate(Checkpoints.ReturnTo(Timeline.TokensBeforeUnknown(pictures.ToHashSet())));
        Timeline.Save(writer, pictures);
        writer.Flush();
        Decoder.Save(writer.BaseStream);
        Checkpoints.Save(writer);
    }

    /// <summary>Reads a memory that <see cref="Save"/> wrote.</summary>
    public void Load(SessionReader reader, IReadOnlyList<PictureKey> pictures)
    {
        Timeline.Load(reader, pictures, Decoder.VocabularySize, Decoder.Capacity);
        reader.Guard(Decoder.Load);
        if (Decoder.Length != Timeline.Tokens) throw reader.Damaged($"{Decoder.Length} tokens in the cache", $"{Timeline.Tokens}");
        Checkpoints.Load(reader);
    }

    public void Dispose() => Decoder.Dispose();
}
