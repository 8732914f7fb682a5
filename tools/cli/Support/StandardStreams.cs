using System.Text;
using Microsoft.Win32.SafeHandles;

namespace TinyMllm.Cli.Support;

/// <summary>
/// The three streams that the process was started with, as they are when they are not a terminal: closed, full, a pipe whose reader left.
/// .NET's console hides some of that and ends the process on the rest.
/// </summary>
internal static class StandardStreams
{
    private const int Input = 0, Output = 1, Error = 2;

    /// <summary>Standard input; null if the process was started without.</summary>
    public static TextReader? OpenInput() => IsOurs(Input) ? Console.In : null;

    /// <summary>Standard output; a write that fails throws <see cref="StandardOutputException"/>.</summary>
    public static TextWriter OpenOutput() => Writer(new OutputStream(
        !IsOurs(Output) ? null : OpenPipe(Output) is { } pipe ? new PipeStream(pipe) : Console.OpenStandardOutput()));

    /// <summary>Standard error; what cannot be written is lost, for there is nowhere to complain.</summary>
    public static TextWriter OpenError() => Writer(new ErrorStream(IsOurs(Error) ? Console.OpenStandardError() : Stream.Null));

    /// <summary>The file that standard output goes to; null if it is none or if the system does not say.</summary>
    public static string? OutputFile()
    {
        if (!OperatingSystem.IsLinux() || !IsOurs(Output)) return null;
        return new FileInfo("/proc/self/fd/1").LinkTarget is ['/', ..] path && File.Exists(path) ? path : null;
    }

    /// <summary>
    /// Whether a descriptor is the one that the process was started with. If it was closed, the runtime's own pipes have got its number by
    /// now: to read from one waits for ever, to write to one is worse. What a process inherits cannot be marked to close on exec, what the
    /// runtime opens always is. Only Linux shows the mark.
    /// </summary>
    private static bool IsOurs(int descriptor)
    {
        const int CloseOnExec = 0x80000; // 02000000, O_CLOEXEC of every architecture that .NET runs on.
        if (!OperatingSystem.IsLinux() || !Directory.Exists("/proc/self/fdinfo")) return true;
        try
        {
            IEnumerable<string> lines = File.ReadLines($"/proc/self/fdinfo/{descriptor}");
            string? flags = lines.FirstOrDefault(line => line.StartsWith("flags:", StringComparison.Ordinal));
            return flags is null || (Convert.ToInt32(flags["flags:".Length..].Trim(), 8) & CloseOnExec) == 0;
        }
        catch (IOException)
        {
            return false; // There is no such descriptor.
        }
        catch (UnauthorizedAccessException)
        {
            return true;
        }
    }

    /// <summary>
    /// The pipe that a descriptor is. .NET's console swallows the error that tells of a reader who left. Files stay with the console: a
    /// <see cref="FileStream"/> would keep a position of its own and overwrite what others write to the same file. Windows hands out no
    /// handle of its standard streams; a closed pipe goes unnoticed there.
    /// </summary>
    private static FileStream? OpenPipe(int descriptor)
    {
        if (OperatingSystem.IsWindows()) return null;
        try
        {
            var stream = new FileStream(new SafeFileHandle(descriptor, ownsHandle: false), FileAccess.Write, bufferSize: 0);
            return stream.CanSeek ? null : stream;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or ArgumentException)
        {
            return null;
        }
    }

    private static TextWriter Writer(Stream stream) =>
        TextWriter.Synchronized(new StreamWriter(stream, new UTF8Encoding(encoderShouldEmitUTF8Identifier: false)) { AutoFlush = true });

    /// <summary>A stream that only takes bytes.</summary>
    private abstract class Sink : Stream
    {
        public override bool CanRead => false;

        public override bool CanSeek => false;

        public override bool CanWrite => true;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

        public override void Flush()
        {
        }

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();
    }

    /// <summary>A pipe. One that does not wait, because a program at its other end made it so, is asked again.</summary>
    private sealed class PipeStream(FileStream pipe) : Sink
    {
        private const int AtomicBytes = 512; // POSIX: written at once or not at all.
        private const int LinuxTryAgain = 11, BsdTryAgain = 35;

        public override void Write(ReadOnlySpan<byte> buffer)
        {
            while (!buffer.IsEmpty)
            {
                int length = Math.Min(AtomicBytes, buffer.Length);
                WritePiece(buffer[..length]);
                buffer = buffer[length..];
            }
        }

        private void WritePiece(ReadOnlySpan<byte> piece)
        {
            while (true)
            {
                try
                {
                    pipe.Write(piece);
                    return;
                }
                catch (IOException full) when (full.HResult == (OperatingSystem.IsLinux() ? LinuxTryAgain : BsdTryAgain))
                {
                    Thread.Sleep(1);
                }
            }
        }
    }

    private sealed class OutputStream(Stream? target) : Sink
    {
        private const int BrokenPipe = 32; // EPIPE of Linux, macOS and the BSDs.

        public override void Write(ReadOnlySpan<byte> buffer)
        {
            if (target is null) throw new StandardOutputException("standard output is closed", closed: false);
            try
            {
                target.Write(buffer);
            }
            catch (IOException failure)
            {
                string reason = failure.Message.Split(" : ", 2)[0].ReplaceLineEndings(" ");
                throw new StandardOutputException($"standard output cannot be written: {reason}", closed: failure.HResult == BrokenPipe);
            }
        }
    }

    private sealed class ErrorStream(Stream target) : Sink
    {
        public override void Write(ReadOnlySpan<byte> buffer)
        {
            try
            {
                target.Write(buffer);
            }
            catch (IOException)
            {
            }
        }
    }
}
