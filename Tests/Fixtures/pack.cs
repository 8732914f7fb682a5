// Packs goldens: dotnet run Tests/Fixtures/pack.cs -- ARCHIVE.tar.br ROOT FOLDER...
// Every file below ROOT/FOLDER goes in under the path FOLDER/..., gunzipped if it ends in .gz. The tests unpack all archives that lie in
// Tests/Fixtures/goldens, so new goldens may come in an archive of their own. Packing takes some minutes.
#:property PublishAot=false
using System.Formats.Tar;
using System.IO.Compression;

if (args.Length < 3)
{
    Console.Error.WriteLine("usage: dotnet run Tests/Fixtures/pack.cs -- ARCHIVE.tar.br ROOT FOLDER...");
    return 2;
}

string root = Path.GetFullPath(args[1]);
var tar = new MemoryStream();
using (var writer = new TarWriter(tar, TarEntryFormat.Ustar, leaveOpen: true))
{
    // Files of one kind lie together: what models share is then within the window. No times, owners or modes of this machine.
    IEnumerable<string> files = args[2..].SelectMany(folder => Directory.EnumerateFiles(Path.Combine(root, folder), "*", SearchOption.AllDirectories));
    foreach (string file in files.OrderBy(Path.GetExtension, StringComparer.Ordinal).ThenBy(file => file, StringComparer.Ordinal))
    {
        bool zipped = file.EndsWith(".gz", StringComparison.Ordinal);
        string name = Path.GetRelativePath(root, zipped ? file[..^3] : file).Replace(Path.DirectorySeparatorChar, '/');
        writer.WriteEntry(new UstarTarEntry(TarEntryType.RegularFile, name)
        {
            DataStream = new MemoryStream(zipped ? Gunzip(file) : File.ReadAllBytes(file)),
            ModificationTime = DateTimeOffset.UnixEpoch,
            Mode = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead,
        });
    }
}

byte[] packed = new byte[BrotliEncoder.GetMaxCompressedLength((int)tar.Length)];
if (!BrotliEncoder.TryCompress(tar.GetBuffer().AsSpan(0, (int)tar.Length), packed, out int length, quality: 11, window: 24))
    throw new InvalidOperationException("the archive did not fit its bound");
File.WriteAllBytes(args[0], packed[..length]);
Console.WriteLine($"{args[0]}: {tar.Length:N0} bytes packed into {length:N0}");
return 0;

static byte[] Gunzip(string file)
{
    using var zip = new GZipStream(File.OpenRead(file), CompressionMode.Decompress);
    var plain = new MemoryStream();
    zip.CopyTo(plain);
    return plain.ToArray();
}
