using Spectre.Console;
using TinyMllm.Loaders.Hub;

namespace TinyMllm.Cli.Support;

/// <summary>Shows downloads: bars on a terminal, a line per file elsewhere.</summary>
internal static class TransferBars
{
    /// <summary>Runs the transfer and shows its progress.</summary>
    public static async Task<T> RunAsync<T>(Terminal terminal, Func<IProgress<HubProgress>, Task<T>> transfer)
    {
        if (!terminal.ErrorIsTerminal) return await transfer(new Lines(terminal)).ConfigureAwait(false);
        return await terminal.ErrorConsole.Progress()
            .Columns(new TaskDescriptionColumn { Alignment = Justify.Left }, new ProgressBarColumn(), new DownloadedColumn(),
                new TransferSpeedColumn(), new RemainingTimeColumn())
            .StartAsync(context => transfer(new Bars(terminal, context))).ConfigureAwait(false);
    }

    private sealed class Bars(Terminal terminal, ProgressContext context) : IProgress<HubProgress>
    {
        private readonly Dictionary<string, ProgressTask> _tasks = [];

        public void Report(HubProgress value)
        {
            if (value.Total == 0 && value.Stage == HubStage.Retrying)
            {
                terminal.Note($"{value.File}: no answer, trying again");
                return;
            }

            lock (_tasks)
            {
                string name = Markup.Escape(value.File);
                if (!_tasks.TryGetValue(value.File, out ProgressTask? task))
                    _tasks[value.File] = task = context.AddTask(name, maxValue: Math.Max(1, value.Total));
                task.Description = value.Stage == HubStage.Retrying ? $"[yellow]{name} (reconnecting)[/]" : name;
                task.Value = value.Stage == HubStage.Done ? task.MaxValue : value.Bytes;
            }
        }
    }

    private sealed class Lines(Terminal terminal) : IProgress<HubProgress>
    {
        private readonly HashSet<string> _started = [];

        public void Report(HubProgress value)
        {
            if (value.Stage == HubStage.Retrying)
            {
                terminal.Note(value.Total == 0
                    ? $"{value.File}: no answer, trying again"
                    : $"{value.File}: connection lost at {Sizes.Bytes(value.Bytes)}, trying again");
            }
            else if (value.Stage == HubStage.Done)
            {
                terminal.Note($"{value.File}: {Sizes.Bytes(value.Total)} complete");
            }
            else if (_started.Add(value.File))
            {
                terminal.Note(
                    $"{value.File}: {Sizes.Bytes(value.Total)}{(value.Bytes > 0 ? $", {Sizes.Bytes(value.Bytes)} already here" : "")}");
            }
        }
    }
}
