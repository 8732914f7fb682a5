using System.Globalization;
using TinyMllm.Cli.Support;
using TinyMllm.Generation;
using TinyMllm.Loaders.Images;
using TinyMllm.Loaders.Text.Chat;
using TinyMllm.Vision;

namespace TinyMllm.Cli.Dumping;

/// <summary>What to dump.</summary>
/// <param name="Text">The prompt as text, or null.</param>
/// <param name="Tokens">The prompt as token ids, or null.</param>
/// <param name="Images">The pictures.</param>
/// <param name="Raw">Whether the text is the whole prompt.</param>
/// <param name="System">The system turn, or null.</param>
/// <param name="ImagesAsText">Whether picture markers go into the text before the template is rendered, as llama.cpp does.</param>
/// <param name="Greedy">How many tokens to feed back.</param>
/// <param name="Sources">The files that are read, which no output may replace.</param>
internal sealed record DumpRequest(string? Text, int[]? Tokens, IReadOnlyList<RgbImage> Images, bool Raw, string? System,
    bool ImagesAsText, int Greedy, string[] Sources);

/// <summary>
/// Runs a prompt stage by stage and writes what each gave: <c>pixels_NN.npy</c> [height, width, 3], <c>embd_NN.npy</c> [tokens, features],
/// <c>logits.npy</c> [1 + greedy, vocabulary] and <c>dump.json</c>.
/// </summary>
internal static class Dump
{
    public static void Write(VisionLanguageModel model, DumpRequest request, string folder, CancellationToken cancellationToken)
    {
        IReadOnlyList<PromptPart> prompt = Assemble(model, request);
        int total = prompt.Sum(part => part.Tokens) + request.Greedy;
        if (prompt.Count == 0) throw new UsageException("the prompt is empty");
        if (total > model.Info.Context) throw new ContextOverflowException(total, model.Info.Context);
        Directory.CreateDirectory(folder);

        var output = new DumpFolder(folder, request.Sources);
        using Slot slot = model.CreateSlot();
        var description = new DumpDescription();
        for (int i = 0; i < prompt.Count; i++)
        {
            bool last = i == prompt.Count - 1;
            int position = slot.Timeline.NextPosition;
            if (prompt[i] is TextPart text) slot.Read(text.Ids, last, cancellationToken);
            else ReadPicture(model, slot, (PicturePart)prompt[i], last, output, description.Pictures, cancellationToken);
            description.Add(prompt[i], position);
        }

        description.PastPositions = slot.Timeline.NextPosition;
        float[] rows = Continue(slot, request.Greedy, description.Greedy, cancellationToken);
        output.Write("logits.npy", rows, request.Greedy + 1, model.Info.VocabularySize);
        output.Write("dump.json", description.Write);
    }

    private static IReadOnlyList<PromptPart> Assemble(VisionLanguageModel model, DumpRequest request)
    {
        if (request.Tokens is { } tokens)
        {
            int stranger = Array.FindIndex(tokens, token => (uint)token >= (uint)model.Info.VocabularySize);
            if (stranger >= 0)
            {
                throw new UsageException(
                    $"--tokens: {tokens[stranger]} is not in the vocabulary of {model.Info.VocabularySize}");
            }

            return [new TextPart(tokens)];
        }

        if (request.Raw) return model.Assemble(request.Text!, request.Images);
        ChatTurn[] turns = VisionLanguageModel.Conversation(ChatTurn.User(request.Text!, request.Images),
            new GenerationOptions { SystemPrompt = request.System });
        return model.Assemble(turns, new ChatRenderOptions { ImagesAsText = request.ImagesAsText });
    }

    private static void ReadPicture(
        VisionLanguageModel model, Slot slot, PicturePart picture, bool last, DumpFolder output, int number, CancellationToken cancellationToken)
    {
        ImageTile tile = picture.Tile;
        string suffix = number.ToString("00", CultureInfo.InvariantCulture) + ".npy";
        output.Write("pixels_" + suffix, model.Vision!.Normalize(tile), tile.Size.Height, tile.Size.Width, 3);
        float[] rows = slot.Encode(picture, null, cancellationToken);
        output.Write("embd_" + suffix, rows, picture.Tokens, rows.Length / picture.Tokens);
        slot.Read(picture, rows, last, cancellationToken);
    }

    /// <summary>The logits behind the prompt, then those behind each of the likeliest tokens that are fed back.</summary>
    private static float[] Continue(Slot slot, int steps, List<int> greedy, CancellationToken cancellationToken)
    {
        int vocabulary = slot.Logits.Length;
        float[] rows = new float[(steps + 1) * vocabulary];
        for (int step = 0; ; step++)
        {
            slot.Logits.CopyTo(rows, step * vocabulary);
            int token = ArgMax(slot.Logits);
            greedy.Add(token);
            if (step == steps) return rows;
            slot.ReadGenerated(token, cancellationToken);
        }
    }

    private static int ArgMax(ReadOnlySpan<float> values)
    {
        int best = 0;
        for (int i = 1; i < values.Length; i++)
            if (values[i] > values[best]) best = i;
        return best;
    }
}
