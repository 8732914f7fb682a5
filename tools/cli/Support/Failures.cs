namespace TinyMllm.Cli.Support;

/// <summary>An error of usage that a command found itself; the message is one line for the user.</summary>
internal sealed class UsageException(string message) : Exception(message);

/// <summary>Tells bad input, which is reported in one line, from defects of the program.</summary>
internal static class Failures
{
    public static int Report(Exception failure, Terminal terminal, bool verbose)
    {
        if (failure is AggregateException { InnerExceptions.Count: 1 } single) failure = single.InnerException!;
        bool expected = IsBadInput(failure);
        string line = failure is OutOfMemoryException
            ? "there is not enough memory: a smaller context (-c), --kv-type q8_0 or a smaller model needs less"
            : failure.Message.ReplaceLineEndings(" ");
        terminal.ReportError(expected ? line
            : $"internal error: {failure.GetType().Name}: {line} (run with --verbose for the stack trace)");
        if (verbose) terminal.Error.WriteLine(failure);
        return expected ? ExitCodes.BadInput : ExitCodes.InternalError;
    }

    /// <summary>What is wrong with a file, in one line that names it once.</summary>
    /// <param name="name">What the user calls the file.</param>
    /// <param name="path">What the failure may call it.</param>
    /// <param name="failure">What happened.</param>
    public static string About(string name, string path, Exception failure)
    {
        string message = Reason(path, failure);
        return message.Contains(path, StringComparison.Ordinal)
            ? message.Replace(path, name, StringComparison.Ordinal)
            : $"{name}: {message}";
    }

    /// <summary>The same for those who know the file.</summary>
    public static string Reason(string path, Exception failure)
    {
        string message = failure.Message.ReplaceLineEndings(" ");
        return message.StartsWith(path + ": ", StringComparison.Ordinal) ? message[(path.Length + 2)..] : message;
    }

    /// <summary>Whether the failure is the input's and its message is for the user.</summary>
    public static bool IsBadInput(Exception failure) => failure is
        UsageException or TinyMllmException or IOException or UnauthorizedAccessException or FormatException or OutOfMemoryException;
}
