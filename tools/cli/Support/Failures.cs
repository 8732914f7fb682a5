using TinyMllm.Kernels;
using TinyMllm.Kernels.Quantization;
using TinyMllm.Loaders.Chat;
using TinyMllm.Loaders.Gguf;
using TinyMllm.Loaders.Grammars;
using TinyMllm.Loaders.Hub;
using TinyMllm.Loaders.Images;
using TinyMllm.Loaders.Quantization;
using TinyMllm.Loaders.Tokenizers;
using TinyMllm.Vision.Prompting;

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

    /// <summary>Whether the failure is the input's and its message is for the user.</summary>
    public static bool IsBadInput(Exception failure) => failure is
        UsageException or HubException or GgufFormatException or ImageFormatException or UnsupportedModelException
            or ContextOverflowException or TokenizerException or UnsupportedTokenizerException
        or ChatTemplateException or QuantizationException or GrammarException or PictureCountException
        or UnsupportedTensorTypeException or UnsupportedIsaException or IOException or UnauthorizedAccessException or FormatException or OutOfMemoryException;
}
