namespace TinyMllm.Cli.Support;

/// <summary>What the command's exit code means; printed by <c>tinymllm --help</c>.</summary>
internal static class ExitCodes
{
    /// <summary>All went well.</summary>
    public const int Success = 0;

    /// <summary>The work was done, but some of it failed: pictures that could not be read, answers that were wrong.</summary>
    public const int Partial = 1;

    /// <summary>Bad arguments, a bad file, a model that cannot be run, a hub that refuses: one line on standard error says why.</summary>
    public const int BadInput = 2;

    /// <summary>A defect of this program.</summary>
    public const int InternalError = 70;

    /// <summary>Stopped by Ctrl-C (128 + SIGINT).</summary>
    public const int Interrupted = 130;

    /// <summary>Standard output was closed by its reader, such as <c>head</c> (128 + SIGPIPE).</summary>
    public const int OutputClosed = 141;
}
