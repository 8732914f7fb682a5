namespace TinyMllm.Cli.Support;

/// <summary>
/// Ctrl-C. The first one cancels what is running (the whole command, or in a chat only the answer); a second one before that has ended
/// ends the process.
/// </summary>
internal sealed class Interrupts : IDisposable
{
    private readonly CancellationTokenSource _command = new();
    private readonly ConsoleCancelEventHandler? _handler;
    private CancellationTokenSource? _step;

    private Interrupts(bool listen)
    {
        if (!listen) return;
        _handler = (_, pressed) => pressed.Cancel = Interrupt();
        Console.CancelKeyPress += _handler;
    }

    /// <summary>Cancelled by the first Ctrl-C outside a step.</summary>
    public CancellationToken Token => _command.Token;

    public static Interrupts OfConsole() => new(listen: true);

    /// <summary>Never interrupted by the console, for tests.</summary>
    public static Interrupts None() => new(listen: false);

    /// <summary>Until it is disposed, Ctrl-C cancels this step and not the command.</summary>
    public Step BeginStep() => new(this);

    /// <summary>Acts as Ctrl-C does.</summary>
    /// <returns>Whether the process should go on.</returns>
    public bool Interrupt()
    {
        CancellationTokenSource target = _step ?? _command;
        if (target.IsCancellationRequested) return false;
        target.Cancel();
        return true;
    }

    public void Dispose()
    {
        if (_handler is not null) Console.CancelKeyPress -= _handler;
        _command.Dispose();
    }

    /// <summary>A part of the command that can be stopped alone.</summary>
    public sealed class Step : IDisposable
    {
        private readonly Interrupts _owner;
        private readonly CancellationTokenSource _source;

        internal Step(Interrupts owner)
        {
            _owner = owner;
            _source = CancellationTokenSource.CreateLinkedTokenSource(owner.Token);
            owner._step = _source;
        }

        public CancellationToken Token => _source.Token;

        public void Dispose()
        {
            _owner._step = null;
            _source.Dispose();
        }
    }
}
