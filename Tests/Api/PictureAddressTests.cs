using System.Diagnostics;
using System.Runtime.Versioning;
using Microsoft.Extensions.AI;
using TinyMllm.ExtensionsAI;
using TinyMllm.Generation;
using TinyMllm.Loaders.Images;

namespace TinyMllm.Tests.Api;

/// <summary>Pictures by address: who writes the messages does not get to read the disk.</summary>
[TestFixture]
public sealed class PictureAddressTests
{
    private const string Secret = "sesame-4711";

    private string _root = null!;
    private string _inside = null!;

    [SetUp]
    public void MakeFolders()
    {
        _root = Directory.CreateTempSubdirectory("tinymllm-addresses").FullName;
        _inside = Path.Combine(_root, "pictures");
        Directory.CreateDirectory(Path.Combine(_inside, "sub"));
        File.Copy(Demo.Sample("pizza"), Path.Combine(_inside, "sub", "a pizza.png"));
        File.Copy(Demo.Sample("pizza"), Path.Combine(_root, "outside.png"));
        File.WriteAllText(Path.Combine(_inside, "secret.txt"), Secret);
        File.WriteAllText(Path.Combine(_inside, "empty.png"), "");
    }

    [TearDown]
    public void RemoveFolders() => Directory.Delete(_root, recursive: true);

    [Test]
    public void FilesAreNotReadUnlessAFolderIsNamed()
    {
        foreach (string path in new[] { Path.Combine(_inside, "sub", "a pizza.png"), Path.Combine(_inside, "secret.txt"), "/dev/zero", "/nowhere" })
        {
            Assert.That(() => Read(null, new Uri(path)),
                Throws.TypeOf<NotSupportedException>().With.Message.Contains("ModelOptions.PictureFolder"));
        }
    }

    [Test]
    public void WhatIsBelowTheFolderIsRead()
    {
        var address = new Uri(Path.Combine(_inside, "sub", "a pizza.png"));
        Assert.That(address.AbsoluteUri, Does.Contain("a%20pizza"));
        Assert.That(Read(_inside, address).Width, Is.EqualTo(Demo.Picture("pizza").Width));
        Assert.That(Read(_root, address).Width, Is.Positive);
        Assert.That(Read(Path.GetRelativePath(Directory.GetCurrentDirectory(), _inside), address).Width, Is.Positive, "a relative folder");
        Assert.That(Read(_inside + Path.DirectorySeparatorChar, address).Width, Is.Positive);
        Assert.That(Read(_inside, new Uri(Path.Combine(_inside, "sub", "..", "sub", "a pizza.png"))).Width, Is.Positive);
    }

    [Test]
    public void WhatIsOutsideIsRefusedWhetherItIsThereOrNot()
    {
        string[] outside =
        [
            Path.Combine(_root, "outside.png"), Path.Combine(_root, "no such.png"), Path.Combine(_inside, "..", "outside.png"), _inside, _root,
            _inside + "-other" + Path.DirectorySeparatorChar + "x.png", "/etc/passwd", "/dev/zero",
        ];
        foreach (string path in outside)
        {
            Assert.That(() => Read(_inside, new Uri(path)),
                Throws.TypeOf<UnauthorizedAccessException>().With.Message.EndsWith("not below the folder that pictures are read from"), path);
        }

        Uri hidden = new($"file://{_inside}/sub/..%2F..%2Foutside.png"), share = new("file://host/share/x.png");
        Assert.That(() => Read(_inside, hidden), Throws.TypeOf<UnauthorizedAccessException>());
        Assert.That(() => Read(_inside, share), Throws.TypeOf<UnauthorizedAccessException>());
        Assert.That(() => Read(_inside, new Uri($"file://{_inside}/sub/a%00.png")), Throws.TypeOf<UnauthorizedAccessException>());
    }

    [Test]
    public void LinksMayLeadAnywhereInTheFolderAndNowhereElse()
    {
        string file = Path.Combine(_inside, "sub", "a pizza.png");
        File.CreateSymbolicLink(Path.Combine(_inside, "good.png"), Path.Combine("sub", "a pizza.png"));
        File.CreateSymbolicLink(Path.Combine(_inside, "bad.png"), Path.Combine("..", "outside.png"));
        File.CreateSymbolicLink(Path.Combine(_inside, "gone.png"), Path.Combine(_root, "no such.png"));
        File.CreateSymbolicLink(Path.Combine(_inside, "circle.png"), "circle.png");
        Directory.CreateSymbolicLink(Path.Combine(_inside, "up"), _root);
        Directory.CreateSymbolicLink(Path.Combine(_root, "other name"), _inside);

        Assert.That(Read(_inside, new Uri(Path.Combine(_inside, "good.png"))).Width, Is.Positive);
        Assert.That(Read(_inside, new Uri(Path.Combine(_inside, "up", "pictures", "sub", "a pizza.png"))).Width, Is.Positive);
        foreach (string bad in new[] { "bad.png", "gone.png", Path.Combine("up", "outside.png"), Path.Combine("up", "no such.png") })
        {
            Assert.That(() => Read(_inside, new Uri(Path.Combine(_inside, bad))),
                Throws.TypeOf<UnauthorizedAccessException>().With.Message.EndsWith("a link leads out of the folder that pictures are read from"), bad);
        }

        Assert.That(() => Read(_inside, new Uri(Path.Combine(_inside, "circle.png"))), Throws.InstanceOf<IOException>());

        // The folder itself may be a link, and the address may name either.
        string link = Path.Combine(_root, "other name");
        Assert.That(Read(link, new Uri(Path.Combine(link, "sub", "a pizza.png"))).Width, Is.Positive);
        Assert.That(Read(link, new Uri(file)).Width, Is.Positive);
    }

    [Test]
    public void ErrorsSayNothingOfWhatIsInAFile()
    {
        foreach (string name in new[] { "secret.txt", "empty.png" })
        {
            var error = Assert.Throws<ImageFormatException>(() => Read(_inside, new Uri(Path.Combine(_inside, name))))!;
            Assert.That(error.Message, Does.EndWith("not a picture that can be read"));
            Assert.That(error.InnerException, Is.Null);
            Assert.That(error.ToString(), Does.Not.Contain("sesame").And.Not.Contain("73 65").IgnoreCase);
        }

        Assert.That(() => Read(_inside, new Uri(Path.Combine(_inside, "no such.png"))), Throws.TypeOf<FileNotFoundException>());
        Assert.That(() => Read(_inside, new Uri(Path.Combine(_inside, "sub"))), Throws.TypeOf<UnauthorizedAccessException>().With.Message.Contains("a folder"));
    }

    [Test]
    [Platform(Exclude = "Win", Reason = "there are no named pipes and devices in folders")]
    [UnsupportedOSPlatform("windows")]
    public void PipesAndDevicesAreNotOpened()
    {
        string pipe = Path.Combine(_inside, "pipe.png");
        using (var mkfifo = Process.Start("mkfifo", [pipe])) mkfifo.WaitForExit();
        File.CreateSymbolicLink(Path.Combine(_inside, "link.png"), "pipe.png");
        foreach (string name in new[] { "pipe.png", "link.png" })
        {
            Assert.That(() => Read(_inside, new Uri(Path.Combine(_inside, name))),
                Throws.TypeOf<UnauthorizedAccessException>().With.Message.Contains("a pipe, not a file"), name);
        }

        foreach (string device in new[] { "/dev/null", "/dev/zero" })
            Assert.That(() => Read("/dev", new Uri(device)), Throws.TypeOf<UnauthorizedAccessException>().With.Message.Contains("a device, not a file"));
    }

    [Test]
    public void DataAddressesAreUnpacked()
    {
        string address = "data:image/png;base64," + Convert.ToBase64String(File.ReadAllBytes(Demo.Sample("pizza")));
        Assert.That(Read(null, new Uri(address)).Width, Is.EqualTo(Demo.Picture("pizza").Width));
        string escaped = address.Replace("+", "%2B", StringComparison.Ordinal).Replace("=", "%3D", StringComparison.Ordinal);
        Assert.That(Read(null, new Uri(escaped)).Width, Is.Positive);
        foreach (string bad in new[] { "data:image/png;base64,%%%", "data:image/png;base64,A", "data:image/png,hello" })
            Assert.That(() => Read(null, new Uri(bad)), Throws.TypeOf<ImageFormatException>(), bad);
        Assert.That(() => Read(null, new Uri("data:text/plain,hello"), "text/plain"),
            Throws.TypeOf<NotSupportedException>().With.Message.Contains("text/plain"));
    }

    [TestCase("https://example.com/a.png", "https: addresses")]
    [TestCase("http://example.com/a.png", "http: addresses")]
    [TestCase("ftp://example.com/a.png", "ftp: addresses")]
    [TestCase("a.png", "relative: addresses")]
    public void NothingIsFetched(string address, string named) =>
        Assert.That(() => Read(_inside, new Uri(address, UriKind.RelativeOrAbsolute)), Throws.TypeOf<NotSupportedException>().With.Message.Contains(named));

    [Test]
    public void AContentIsDecodedOnce()
    {
        var reader = new ContentReader(new PictureFolder(_inside), new PictureDecoder(ImageOptions.Default));
        var content = new UriContent(new Uri(Path.Combine(_inside, "sub", "a pizza.png")), "image/png");
        RgbImage first = reader.Read(content);
        Assert.That(reader.Read(content), Is.SameAs(first));
    }

    [Test]
    public async Task TheFolderIsAnOptionOfTheModel()
    {
        using VisionLanguageModel model = Demo.Load(new ModelOptions { PictureFolder = Demo.Folder });
        ChatResponse response = await model.AsChatClient().GetResponseAsync([new ChatMessage(ChatRole.User,
            [new UriContent(new Uri(Demo.Sample("pizza")), "image/png"), new TextContent("What do you see?")])]);
        Assert.That(response.Text, Is.EqualTo("a pizza on a green background."));
        Assert.That(() => Demo.Load(new ModelOptions { PictureFolder = "" }), Throws.ArgumentException);
    }

    private static RgbImage Read(string? folder, Uri address, string type = "image/png") =>
        new ContentReader(new PictureFolder(folder), new PictureDecoder(ImageOptions.Default)).Read(new UriContent(address, type));
}
