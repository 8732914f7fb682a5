using System.Text;

namespace TinyMllm.Cli.Support;

/// <summary>Shows answers as they come.</summary>
internal static class Answers
{
    /// <summary>Streams an answer to standard output. Until it begins, a terminal shows how far its pictures are encoded.</summary>
    /// <param name="terminal">Where to.</param>
    /// <param name="options">How to answer.</param>
    /// <param name="ask">Asks with the options.</param>
    /// <param name="shown">Receives what was shown, also of an answer that is stopped.</param>
    public static async Task<GenerationResult> ShowAsync(
        Terminal terminal, GenerationOptions options, Func<GenerationOptions, IAsyncEnumerable<GeneratedPiece>> ask,
        StringBuilder? shown = null)
    {
        WorkState? state = null;
        var progress = new Direct<ImageProgress>(now => state = new WorkState(TileTitle(now), now.Fraction));
        if (terminal.ErrorIsTerminal) options = options with { ImageProgress = progress };

        GenerationResult? result = null;
        IAsyncEnumerator<GeneratedPiece> pieces = ask(options).GetAsyncEnumerator();
        await using (pieces.ConfigureAwait(false))
        {
            Task<bool> begun = pieces.MoveNextAsync().AsTask();
            await ProgressBars.WatchAsync(terminal, begun, () => state).ConfigureAwait(false);
            for (bool more = await begun.ConfigureAwait(false); more; more = await pieces.MoveNextAsync().ConfigureAwait(false))
            {
                shown?.Append(pieces.Current.Text);
                terminal.Think(pieces.Current.Reasoning);
                terminal.Write(pieces.Current.Text);
                result = pieces.Current.Result;
            }
        }

        return result!;
    }

    /// <summary>What is at work.</summary>
    public static string TileTitle(ImageProgress now) =>
        now.TilesDone == now.Tiles ? "reading the prompt" : $"looking: tile {now.TilesDone + 1} of {now.Tiles}";
}
