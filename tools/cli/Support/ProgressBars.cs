using Spectre.Console;

namespace TinyMllm.Cli.Support;

/// <summary>A bar for work that is counted in steps; on a terminal only.</summary>
internal static class ProgressBars
{
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

    /// <summary>Reports on the reporting thread, in order.</summary>
    private sealed class Direct<T>(Action<T> report) : IProgress<T>
    {
        public void Report(T value) => report(value);
    }
}
