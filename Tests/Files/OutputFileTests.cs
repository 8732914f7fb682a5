using System.Net.Sockets;
using TinyMllm.Loaders.Arrays;
using TinyMllm.Loaders.Files;
using TinyMllm.Loaders.Gguf;
using TinyMllm.Tests.Gguf;
using TinyMllm.Tests.Support;

namespace TinyMllm.Tests.Files;

/// <summary>Files that are written appear whole or not at all, and nothing is replaced that must not be lost.</summary>
[TestFixture]
public sealed class OutputFileTests
{
    private string _folder = "";

    [SetUp]
    public void CreateFolder() => _folder = Directory.CreateTempSubdirectory("tinymllm-files-").FullName;

    [TearDown]
    public void RemoveFolder() => Directory.Delete(_folder, recursive: true);

    [Test]
    public void WhatIsNotCommittedIsNeverSeen()
    {
        File.WriteAllText(In("x"), "old");
        using (var file = OutputFile.Create(In("x")))
        {
            file.Stream.Write("new"u8);
            Assert.That(File.ReadAllText(In("x")), Is.EqualTo("old"));
        }

        Assert.That(Names(), Is.EqualTo(new[] { "x" }));
        Assert.That(() => OutputFile.Write(In("x"), _ => throw new TimeoutException()), Throws.TypeOf<TimeoutException>());
        Assert.That(Names(), Is.EqualTo(new[] { "x" }));
        OutputFile.Write(In("x"), stream => stream.Write("new"u8));
        Assert.That((File.ReadAllText(In("x")), Names().Length), Is.EqualTo(("new", 1)));
    }

    [Test]
    public void AMissingFolderIsSaidByTheNameThatWasGiven() =>
        Assert.That(() => OutputFile.Create(In("none/x")),
            Throws.InstanceOf<IOException>().With.Message.EqualTo($"{In("none/x")}: there is no such folder"));

    [Test]
    public void ALongNameLeavesRoomForTheNeighbours()
    {
        string name = new('n', 250);
        OutputFile.Write(In(name), stream => stream.Write("x"u8));
        Assert.That(Names(), Is.EqualTo(new[] { name }));
    }

    [Test]
    [Platform(Exclude = "Win")]
    [System.Runtime.Versioning.UnsupportedOSPlatform("windows")]
    public void PermissionsStayAndWriteProtectedFilesAreKept()
    {
        File.WriteAllText(In("x"), "old");
        File.SetUnixFileMode(In("x"), UnixFileMode.UserRead | UnixFileMode.UserWrite);
        OutputFile.Write(In("x"), stream => stream.Write("new"u8));
        Assert.That(File.GetUnixFileMode(In("x")), Is.EqualTo(UnixFileMode.UserRead | UnixFileMode.UserWrite));

        File.SetUnixFileMode(In("x"), UnixFileMode.UserRead);
        Assert.That(() => OutputFile.Create(In("x")), Throws.InstanceOf<IOException>().With.Message.EndsWith("x is write-protected"));
        Assert.That(File.ReadAllText(In("x")), Is.EqualTo("new"));
    }

    [Test]
    [Platform(Exclude = "Win")]
    public void ALinkStaysAndTheFileAtItsEndIsReplaced()
    {
        File.WriteAllText(In("file"), "old");
        File.CreateSymbolicLink(In("link"), "file");
        OutputFile.Write(In("link"), stream => stream.Write("new"u8));
        Assert.That((new FileInfo(In("link")).LinkTarget, File.ReadAllText(In("file"))), Is.EqualTo(("file", "new")));

        File.CreateSymbolicLink(In("ahead"), "later");
        OutputFile.Write(In("ahead"), stream => stream.Write("new"u8));
        Assert.That(File.ReadAllText(In("later")), Is.EqualTo("new"));

        File.CreateSymbolicLink(In("a"), "b");
        File.CreateSymbolicLink(In("b"), "a");
        Assert.That(() => OutputFile.Create(In("a")), Throws.InstanceOf<IOException>().With.Message.Contains("circle"));
    }

    [Test]
    [Platform(Exclude = "Win")]
    public void DevicesPipesSocketsAndFoldersAreNoPlaceForAFile()
    {
        Shell.Run($"mkfifo '{In("pipe")}'");
        using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        socket.Bind(new UnixDomainSocketEndPoint(In("socket")));
        File.CreateSymbolicLink(In("null"), "/dev/null");
        (string Path, FileKind Kind)[] strangers =
        [
            ("/dev/null", FileKind.Device), (In("null"), FileKind.Device), (In("pipe"), FileKind.Pipe), (In("socket"), FileKind.Other),
            (_folder, FileKind.Folder), (In("new/"), FileKind.Missing),
        ];
        foreach ((string path, FileKind kind) in strangers)
        {
            Assert.That(FileKinds.Of(path), Is.EqualTo(kind), path);
            string refusal = path + " is ";
            Assert.That(() => OutputFile.Create(path), Throws.InstanceOf<IOException>().With.Message.StartsWith(refusal), path);
            Assert.That(() => OutputFile.Move(In("none"), path), Throws.InstanceOf<IOException>().With.Message.StartsWith(refusal), path);
            Assert.That(() => GgufSamples.Smallest().Save(path), Throws.InstanceOf<IOException>(), path);
            Assert.That(() => NpyWriter.Write(path, [1f], 1), Throws.InstanceOf<IOException>(), path);
            Assert.That(FileKinds.Of(path), Is.EqualTo(kind), path + ": it is still there");
        }
    }

    [Test]
    public void FilesWithAndWithoutBytesAreFiles()
    {
        File.WriteAllText(In("empty"), "");
        File.WriteAllText(In("full"), "x");
        using FileStream locked = new(In("locked"), FileMode.Create, FileAccess.ReadWrite, FileShare.None);
        foreach (string name in new[] { "empty", "full", "locked" })
            Assert.That(FileKinds.Of(In(name)), Is.EqualTo(FileKind.Regular), name);
        Assert.That(FileKinds.Of(In("nothing")), Is.EqualTo(FileKind.Missing));
    }

    [TestCase("source", Description = "itself")]
    [TestCase("./folder/../source", Description = "another spelling")]
    [TestCase("link", Description = "a link to it")]
    [TestCase("folder/aside/source", Description = "through a link to its folder")]
    [TestCase("folder/aside/folder/../source", Description = "with .. behind a link")]
    [TestCase("hard", Description = "a hard link")]
    [Platform(Exclude = "Win")]
    public void ASourceIsNotReplacedByWhateverName(string name)
    {
        File.WriteAllText(In("source"), "precious");
        Directory.CreateDirectory(In("folder"));
        File.CreateSymbolicLink(In("link"), In("source"));
        Directory.CreateSymbolicLink(In("folder/aside"), "..");
        Shell.Run($"ln '{In("source")}' '{In("hard")}'");

        Assert.That(() => OutputFile.Create(In(name), In("source")), Throws.InstanceOf<IOException>(), name);
        Assert.That(File.ReadAllText(In("source")), Is.EqualTo("precious"));
        OutputFile.Write(In("other"), stream => stream.Write("x"u8), In("source"));

        // The other way round: the source is a link to what would be replaced.
        Assert.That(() => OutputFile.Create(In("source"), In(name)), Throws.InstanceOf<IOException>(), name);
    }

    [Test]
    [Platform(Exclude = "Win")]
    public void WhatChangesWhileTheFileIsWrittenIsSeen()
    {
        var file = OutputFile.Create(In("x"));
        file.Stream.Write("new"u8);
        File.CreateSymbolicLink(In("x"), "/dev/null");
        Assert.That(file.Commit, Throws.InstanceOf<IOException>());
        file.Dispose();
        Assert.That((FileKinds.Of("/dev/null"), Names()), Is.EqualTo((FileKind.Device, new[] { "x" })));
    }

    [Test]
    public void PartsOfASplitModelAppearTogether()
    {
        GgufWriter model = GgufSamples.Everything(32);
        Directory.CreateDirectory(In($"model-{model.TensorCount:00000}-of-{model.TensorCount:00000}.gguf"));
        Assert.That(() => model.SaveSplit(In("model"), 1), Throws.InstanceOf<IOException>());
        Assert.That(Directory.GetFiles(_folder), Is.Empty);
    }

    private string In(string name) => Path.Combine(_folder, name);

    private string[] Names() => [.. Directory.GetFiles(_folder).Select(path => Path.GetFileName(path))];
}
