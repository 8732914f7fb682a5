using System.Diagnostics;

namespace TinyMllm.Generation;

/// <summary>Brings a prompt into a slot's memory: keeps what is there already, encodes pictures that are not known, reads the rest in
/// batches.</summary>
internal sealed class PromptReader(EmbeddingCache embeddings, int batchSize)
{
    /// <summary>Tokens at the end of a prompt that recurrent decoders read by themselves.</summary>
    private const int TailLength = 8;

    /// <summary>What reading a prompt cost.</summary>
    public readonly record struct Cost(int Tokens, int PictureTokens, int ReusedTokens, TimeSpan Pictures, TimeSpan Text);

    /// <summary>Reads the prompt; afterwards the slot's logits are those behind its last entry.</summary>
    /// <param name="slot">The memory.</param>
    /// <param name="prompt">The whole prompt.</param>
    /// <param name="progress">Told about the pictures among what is to be read, or null.</param>
    /// <param name="cancellationToken">Ends it within one layer.</param>
    /// <exception cref="ContextOverflowException">The prompt leaves no room for an answer.</exception>
    public Cost Read(Slot slot, IReadOnlyList<PromptPart> prompt, IProgress<ImageProgress>? progress, CancellationToken cancellationToken)
    {
        int tokens = prompt.Sum(part => part.Tokens);
        if (tokens == 0) throw new ArgumentException("the prompt is empty: there is nothing to answer");
        if (tokens >= slot.Capacity) throw new ContextOverflowException(tokens + 1, slot.Capacity);

        long start = Stopwatch.GetTimestamp();
        List<PromptPart> rest = slot.Keep(prompt);
        int reused = slot.Timeline.Tokens;
        var encoding = TimeSpan.Zero;
        TileCounter? counter = progress is null ? null : new TileCounter(rest.Count(part => part is PicturePart), progress);
        try
        {
            for (int i = 0; i < rest.Count; i++)
            {
                bool last = i == rest.Count - 1;
                if (rest[i] is PicturePart picture) encoding += ReadPicture(slot, picture, last, counter, cancellationToken);
                else ReadText(slot, ((TextPart)rest[i]).Ids, last, cancellationToken);
            }
        }
        catch
        {
            // Whatever layer it stopped in: only what the timeline knows may stay.
            slot.Recover();
            throw;
        }

        return new Cost(tokens, prompt.OfType<PicturePart>().Sum(part => part.Tokens), reused, encoding,
            Stopwatch.GetElapsedTime(start) - encoding);
    }

    private void ReadText(Slot slot, int[] ids, bool last, CancellationToken cancellationToken)
    {
        // A recurrent decoder stops once before the end: the next prompt may depart in the last few tokens, where templates make the model
        // answer (or think), and only there it can go back to.
        int tail = last && slot.IsRecurrent && ids.Length > TailLength ? ids.Length - TailLength : ids.Length;
        int length;
        for (int start = 0; start < ids.Length; start += length)
        {
            cancellationToken.ThrowIfCancellationRequested();
            length = Math.Min(batchSize, (start < tail ? tail : ids.Length) - start);
            ReadOnlySpan<int> batch = ids.AsSpan(start, length);
            bool wanted = last && start + length == ids.Length;
            slot.Read(batch, wanted, cancellationToken);
            if (!wanted) slot.Checkpoints.Add();
        }
    }

    private TimeSpan ReadPicture(Slot slot, PicturePart picture, bool last, TileCounter? counter, CancellationToken cancellationToken)
    {
        long start = Stopwatch.GetTimestamp();
        float[] rows = embeddings.GetOrEncode(picture.Picture, picture.Index, () => slot.Encode(picture, counter, cancellationToken), out _);
        counter?.EndTile();
        TimeSpan encoding = Stopwatch.GetElapsedTime(start);
        cancellationToken.ThrowIfCancellationRequested();
        slot.Read(picture, rows, last, cancellationToken);
        slot.Checkpoints.Add();
        return encoding;
    }
}
