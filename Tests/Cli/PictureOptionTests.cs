using TinyMllm.Cli.Support;
using TinyMllm.Loaders.Images;
using TinyMllm.Tests.Support;

namespace TinyMllm.Tests.Cli;

/// <summary><c>--background</c> and <c>--max-pixels</c>.</summary>
[TestFixture]
public sealed class PictureOptionTests
{
    private static string Line(string name) => Path.Combine(Golden.Root, "Tests", "Fixtures", "transparency", name);

    [Test]
    public async Task ATransparentPictureIsDumpedAsItsWhiteTwin()
    {
        byte[] white = await Pixels("line_white.png");
        Assert.That(await Pixels("line_alpha.png"), Is.EqualTo(white));
        Assert.That(await Pixels("line_alpha.png", "--background", "#FFFFFF"), Is.EqualTo(white));
        byte[] dropped = await Pixels("line_alpha.png", "--background", "none");
        Assert.That(dropped, Is.Not.EqualTo(white));
        Assert.That(await Pixels("line_alpha.png", "--background", "black"), Is.EqualTo(dropped), "black lines on black");
    }

    [TestCase("--background", "blau")]
    [TestCase("--background", "#12345")]
    [TestCase("--max-pixels", "0")]
    [TestCase("--max-pixels", "1000")]
    public async Task WhatCannotBeIsOneLine(string option, string value)
    {
        Tool.Result result = await Tool.RunAsync("run", "-m", "demo", "-p", "x", "--image", Tool.Sample("pizza.png"), option, value);
        Assert.That(result.ExitCode, Is.EqualTo(2), result.Error);
        Assert.That(result.Error.Trim().Split('\n'), Has.Length.EqualTo(1));
    }

    [TestCase("none", null)]
    [TestCase("White", "255 255 255")]
    [TestCase("#0a141E", "10 20 30")]
    [TestCase("FF0000", "255 0 0")]
    public void ColoursAsTyped(string text, string? expected) =>
        Assert.That(Colors.Parse(text, "--background") is { } color ? $"{color.Red} {color.Green} {color.Blue}" : null, Is.EqualTo(expected));

    private static async Task<byte[]> Pixels(string name, params string[] options)
    {
        string folder = Directory.CreateTempSubdirectory("tinymllm-").FullName;
        try
        {
            Tool.Result result = await Tool.RunAsync(["dump", "-m", "demo", "--image", Line(name), "-p", "x", "--out", folder, .. options]);
            Assert.That(result.ExitCode, Is.Zero, result.Error);
            return await File.ReadAllBytesAsync(Path.Combine(folder, "pixels_00.npy"));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }
}
