using System.Diagnostics;

namespace TinyMllm.Generation;

/// <summary>Brings a prompt into a slot's memory: keeps what is there already, encodes pictures that are not known, reads the rest in
/// batches.</summary>
internal sealed class PromptReader(EmbeddingCache embeddings, int batchSize)
{
    /// <summary>What reading a prompt cost.</summary>
    public readonly record struct Cost(int Tokens, int PictureTokens, int ReusedTokens, TimeSpan Pictures, TimeSpan Text);

    /// <summary>Reads the prompt; afterwards the slot's logits are those behind its last entry.</summary>
    /// <exception cref="ContextOverflowException">The prompt leaves no room for an answer.</exception>
    public Cost Read(Slot slot, IReadOnlyList<PromptPart> prompt, CancellationToken cancellation)
    {
        int tokens = prompt.Sum(part => part.Tokens);
        if (tokens == 0) throw new ArgumentException("the prompt is empty: there is nothing to answer");
        if (tokens >= slot.Decoder.Capacity) throw new ContextOverflowException(tokens + 1, slot.Decoder.Capacity);

        long start = Stopwatch.GetTimestamp();
        List<PromptPart> rest = slot.Timeline.Keep(prompt, slot.Decoder);
        int reused = slot.Timeline.Tokens;
        var encoding = TimeSpan.Zero;
        try
        {
            for (int i = 0; i < rest.Count; i++)
            {
                bool last = i == rest.Count - 1;
                if (rest[i] is PicturePart picture) encoding += ReadPicture(slot, picture, last, cancellation);
                else ReadText(slot, ((TextPart)rest[i]).Ids, last, cancellation);
            }
        }
        catch
        {
            // Whatever layer it stopped in: only what the timeline knows may stay.
            Restore(slot);
            throw;
        }

        return new Cost(tokens, prompt.OfType<PicturePart>().Sum(part => part.Tokens), reused, encoding,
            Stopwatch.GetElapsedTime(start) - encoding);
    }

    /// <summary>Reads one generated token; afterwards the slot's logits are those behind it.</summary>
    public static void ReadToken(Slot slot, int token, CancellationToken cancellation)
    {
        try
        {
            slot.Decoder.Read([token], slot.Timeline.NextPosition, slot.Logits, cancellation);
            slot.Timeline.Add(token);
        }
        catch
        {
            Restore(slot);
            throw;
        }
    }

    private static void Restore(Slot slot)
    {
        if (slot.Decoder.Length == slot.Timeline.Tokens && slot.Decoder.CanTruncate(slot.Timeline.Tokens)) return;
        if (slot.Decoder.Length > slot.Timeline.Tokens
            && slot.Decoder.CanTruncate(slot.Timeline.Tokens)) slot.Decoder.Truncate(slot.Timeline.Tokens);
        else slot.Reset();
    }

    private void ReadText(Slot slot, int[] ids, bool last, CancellationToken cancellation)
    {
        for (int start = 0; start < ids.Length; start += batchSize)
        {
            cancellation.ThrowIfCancellationRequested();
            ReadOnlySpan<int> batch = ids.AsSpan(start, Math.Min(batchSize, ids.Length - start));
            bool wanted = last && start + batch.Length == ids.Length;
            slot.Decoder.Read(batch, slot.Timeline.NextPosition, wanted ? slot.Logits : [], cancellation);
            foreach (int id in batch) slot.Timeline.Add(id);
        }
    }

    private TimeSpan ReadPicture(Slot slot, PicturePart picture, bool last, CancellationToken cancellation)
    {
        long start = Stopwatch.GetTimestamp();
        float[] rows = embeddings.GetOrEncode(picture.Picture, picture.Slice, () => slot.Decoder.Encode(picture, cancellation), out _);
        TimeSpan encoding = Stopwatch.GetElapsedTime(start);
        cancellation.ThrowIfCancellationRequested();
        slot.Decoder.Read(picture, rows, slot.Timeline.NextPosition, last ? slot.Logits : [], cancellation);
        slot.Timeline.Add(picture);
        return encoding;
    }
}
