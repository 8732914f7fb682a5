namespace TinyMllm.Cli.Support;

/// <summary>Hears reports on the reporting thread, in order; <see cref="Progress{T}"/> would send them through the thread pool.</summary>
internal sealed class Direct<T>(Action<T> report) : IProgress<T>
{
    public void Report(T value) => report(value);
}
