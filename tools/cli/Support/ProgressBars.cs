using Spectre.Console;

namespace TinyMllm.Cli.Support;

/// <summary>What is at work.</summary>
/// <param name="Title">In words.</param>
/// <param name="Share">How much of it is done, 0 to 1.</param>
internal sealed record WorkState(string Title, double Share);

/// <summary>A bar for work that is counted in steps; on a terminal only.</summary>
internal static class ProgressBars
{
    private const int PatienceMilliseconds = 600, TickMilliseconds = 50;

    /// <summary>Runs the work and shows how far it is.</summary>
    /// <param name="terminal">Where to.</param>
    /// <param name="title">What is being done.</param>
    /// <param name="read">How much of how much is done, and what is at work if the title is to say so.</param>
    /// <param name="work">The work.</param>
    /// <param name="hidden">No bar: the work writes to the same terminal.</param>
    public static async Task<TResult> RunAsync<TReport, TResult>(
        Terminal terminal, string title, Func<TReport, (double Done, int Total, string? Title)> read,
        Func<IProgress<TReport>, Task<TResult>> work, bool hidden = false)
    {
        if (hidden || !terminal.ErrorIsTerminal) return await work(new Direct<TReport>(report => read(report))).ConfigureAwait(false);
        return await terminal.ErrorConsole.Progress()
            .Columns(new TaskDescriptionColumn { Alignment = Justify.Left }, new ProgressBarColumn(), new PercentageColumn(),
                new RemainingTimeColumn())
            .StartAsync(context =>
            {
                ProgressTask task = context.AddTask(Markup.Escape(title));
                return work(new Direct<TReport>(report =>
                {
                    (double done, int total, string? now) = read(report);
                    (task.MaxValue, task.Value) = (Math.Max(1, total), done);
                    if (now is not null) task.Description = Markup.Escape(now);
                }));
            }).ConfigureAwait(false);
    }

    /// <summary>Shows a bar for work that is under way, if it takes long enough to look; it goes when the work ends, well or not.</summary>
    /// <param name="terminal">Where to.</param>
    /// <param name="work">The work; whoever started it awaits it.</param>
    /// <param name="state">What is being done, and how far it is, 0 … 1; null shows nothing yet.</param>
    public static async Task WatchAsync(Terminal terminal, Task work, Func<WorkState?> state)
    {
        if (!terminal.ErrorIsTerminal) return;
        Task ended = Task.WhenAny(work);
        int patience = PatienceMilliseconds;
        WorkState? begun;
        do
        {
            if (await Task.WhenAny(ended, Task.Delay(patience)).ConfigureAwait(false) == ended) return;
            patience = TickMilliseconds;
            begun = state();
        }
        while (begun is null);

        await terminal.ErrorConsole.Progress().AutoClear(true)
            .Columns(new TaskDescriptionColumn { Alignment = Justify.Left }, new ProgressBarColumn(), new PercentageColumn())
            .StartAsync(async context =>
            {
                ProgressTask task = context.AddTask(Markup.Escape(begun.Title), maxValue: 1);
                do
                {
                    if (state() is not { } now) continue;
                    (task.Description, task.Value) = (Markup.Escape(now.Title), now.Share);
                }
                while (await Task.WhenAny(ended, Task.Delay(TickMilliseconds)).ConfigureAwait(false) != ended);
            }).ConfigureAwait(false);
    }
}
