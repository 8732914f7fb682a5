using TinyMllm.Loaders.Arrays;
using TinyMllm.Tests.Support;

namespace TinyMllm.Tests.Arrays;

[TestFixture]
public sealed class NpyWriterTests
{
    [TestCase(new[] { 6 }, "(6,)")]
    [TestCase(new[] { 2, 3 }, "(2, 3)")]
    [TestCase(new[] { 1, 2, 3 }, "(1, 2, 3)")]
    public void WhatIsWrittenIsRead(int[] shape, string text)
    {
        float[] values = [1, 2, 3.5f, -4, float.Epsilon, float.NegativeInfinity];
        string path = Path.Combine(Path.GetTempPath(), Guid.NewGuid().ToString("N") + ".npy");
        try
        {
            NpyWriter.Write(path, values, shape);
            var read = Npy.Load(path);
            Assert.That(read.Shape, Is.EqualTo(shape));
            Assert.That(read.Floats, Is.EqualTo(values));
            byte[] bytes = File.ReadAllBytes(path);
            Assert.That((bytes.Length - 24) % 64, Is.Zero, "the data starts at a multiple of 64");
            Assert.That(System.Text.Encoding.ASCII.GetString(bytes, 10, 80), Does.Contain(text));
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Test]
    public void AWrongShapeIsRefused() => Assert.That(() => NpyWriter.Write(Stream.Null, [1, 2, 3], 2, 2), Throws.ArgumentException);
}
