using TinyMllm.Loaders.Arrays;
using TinyMllm.Loaders.Files;

namespace TinyMllm.Cli.Dumping;

/// <summary>Where a dump goes.</summary>
/// <param name="folder">The folder, which is there.</param>
/// <param name="sources">Files that are read, which no output may replace.</param>
internal sealed class DumpFolder(string folder, string[] sources)
{
    /// <summary>Writes a file, whole or not at all.</summary>
    public void Write(string name, Action<Stream> write) => OutputFile.Write(Path.Combine(folder, name), write, sources);

    /// <summary>Writes an array.</summary>
    public void Write(string name, float[] values, params int[] shape) => Write(name, stream => NpyWriter.Write(stream, values, shape));
}
