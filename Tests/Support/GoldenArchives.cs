using System.Formats.Tar;
using System.IO.Compression;
using System.IO.Hashing;

namespace TinyMllm.Tests.Support;

/// <summary>
/// Unpacks the <c>.tar.br</c> archives of a folder. Brotli, because its window of 16 MB finds the many tensors that several models share; gzip sees
/// 32 kB. <c>Tests/Fixtures/pack.cs</c> makes them.
/// </summary>
internal static class GoldenArchives
{
    private const string Marker = ".unpacked";

    /// <summary>Unpacks all archives of <paramref name="folder"/> into <paramref name="target"/>, unless just these lie there already.</summary>
    /// <returns><paramref name="target"/>.</returns>
    public static string Unpack(string folder, string target)
    {
        string[] archives = [.. Directory.GetFiles(folder, "*.tar.br").Order(StringComparer.Ordinal)];
        string stamp = string.Join('\n', archives.Select(path => $"{Path.GetFileName(path)} {Hash(path)}"));

        // Several test processes may start at once; the first unpacks, the others wait for it.
        using FileStream guard = Guard(target + ".lock");
        string marker = Path.Combine(target, Marker);
        if (File.Exists(marker) && File.ReadAllText(marker) == stamp) return target;
        if (Directory.Exists(target)) Directory.Delete(target, recursive: true);
        Directory.CreateDirectory(target);
        foreach (string path in archives)
        {
            using var plain = new BrotliStream(File.OpenRead(path), CompressionMode.Decompress);
            TarFile.ExtractToDirectory(plain, target, overwriteFiles: false);
        }

        File.WriteAllText(marker, stamp);
        return target;
    }

    // No cryptographic hash: those need OpenSSL, which an emulated system need not have.
    private static string Hash(string path)
    {
        using FileStream file = File.OpenRead(path);
        var hash = new XxHash128();
        hash.Append(file);
        return Convert.ToHexString(hash.GetCurrentHash());
    }

    private static FileStream Guard(string path)
    {
        for (int attempt = 0; ; attempt++)
        {
            try
            {
                return new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            }
            catch (IOException) when (attempt < 6000)
            {
                Thread.Sleep(100);
            }
        }
    }
}
