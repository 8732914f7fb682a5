using Spectre.Console;

namespace TinyMllm.Cli.Support;

/// <summary>A bar for work that is counted in steps; on a terminal only.</summary>
internal static class ProgressBars
{
    private const int PatienceMilliseconds = 600;

    /// <summary>Runs the work and shows how far it is.</summary>
    /// <param name="terminal">Where to.</param>
    /// <param name="title">What is being done.</param>
    /// <param name="read">(done, total) of a report.</param>
    /// <param name="work">The work.</param>
    /// <param name="hidden">No bar: the work writes to the same terminal.</param>
    public static async Task<TResult> RunAsync<TReport, TResult>(
        Terminal terminal, string title, Func<TReport, (int Done, int Total)> read, Func<IProgress<TReport>, Task<TResult>> work,
        bool hidden = false)
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
                    (int done, int total) = read(report);
                    (task.MaxValue, task.Value) = (Math.Max(1, total), done);
                }));
            }).ConfigureAwait(false);
    }

    /// <summary>Shows a bar for work that is under way, if it takes long enough to look; it goes when the work ends, well or not.</summary>
    /// <param name="terminal">Where to.</param>
    /// <param name="title">What is being done.</param>
    /// <param name="work">The work; whoever started it awaits it.</param>
    /// <param name="share">How far it is, 0 … 1.</param>
    public static async Task WatchAsync(Terminal terminal, string title, Task work, Func<double> share)
    {
        Task ended = Task.WhenAny(work);
        if (!terminal.ErrorIsTerminal || await Task.WhenAny(ended, Task.Delay(PatienceMilliseconds)).ConfigureAwait(false) == ended) return;
        await terminal.ErrorConsole.Progress().AutoClear(true)
            .Columns(new TaskDescriptionColumn { Alignment = Justify.Left }, new ProgressBarColumn(), new PercentageColumn())
            .StartAsync(async context =>
            {
                ProgressTask task = context.AddTask(Markup.Escape(title), maxValue: 1);
                while (await Task.WhenAny(ended, Task.Delay(50)).ConfigureAwait(false) != ended) task.Value = share();
            }).ConfigureAwait(false);
    }

    /// <summary>Reports on the reporting thread, in order.</summary>
    private sealed class Direct<T>(Action<T> report) : IProgress<T>
    {
        public void Report(T value) => report(value);
    }
}
