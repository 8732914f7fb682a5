using System.Diagnostics;

namespace TinyMllm.Loaders.Files;

/// <summary>
/// Files that one process at a time may use. <see cref="FileShare.None"/> is an exclusive lock between .NET processes on every system:
/// Windows refuses the second to open the file, elsewhere .NET takes <c>flock</c>, which goes by the file itself and not by its name.
/// Every other share mode is at most a shared lock outside Windows, <see cref="FileShare.Read"/> for two writers included.
/// </summary>
internal static class FileLock
{
    private const int SharingViolation = unchecked((int)0x80070020), LockViolation = unchecked((int)0x80070021);
    private const int LinuxWouldBlock = 11, BsdWouldBlock = 35;

    /// <summary>Whether a file could not be opened because somebody else has it.</summary>
    public static bool IsTaken(IOException failure) =>
        failure.HResult is SharingViolation or LockViolation
        || failure.HResult == (OperatingSystem.IsLinux() ? LinuxWouldBlock : BsdWouldBlock);

    /// <summary>
    /// Waits until a lock file is ours; disposing it lets the next one in. The file stays: deleting it would let two in at once.
    /// </summary>
    /// <param name="path">The lock file, created if need be.</param>
    /// <param name="patience">How long to wait.</param>
    /// <exception cref="IOException">Another process kept it for longer, or it cannot be created.</exception>
    public static IDisposable Wait(string path, TimeSpan patience)
    {
        long start = Stopwatch.GetTimestamp();
        while (true)
        {
            try
            {
                return new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            }
            catch (IOException failure) when (IsTaken(failure) && Stopwatch.GetElapsedTime(start) < patience)
            {
                Thread.Sleep(10);
            }
        }
    }
}
