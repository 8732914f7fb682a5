using TinyMllm.Kernels.Quantization;
using TinyMllm.Loaders.Gguf;
using TinyMllm.Tests.Support;

namespace TinyMllm.Tests.Gguf;

public sealed unsafe class GgufFileTests
{
    private static string Demo(string name) => Path.Combine(Golden.Root, "Models", "Demo", name);

    [Test]
    public void OpensTheDemoModel()
    {
        using var file = GgufFile.Open(Demo("demo-q8_0.gguf"));
        Assert.That(file.Architecture, Is.EqualTo("llama"));
        var embedding = file.GetTensor("token_embd.weight");
        Assert.That(embedding.Type, Is.EqualTo(TensorType.Q8_0));
        Assert.That(embedding.Columns, Is.EqualTo(file.Metadata.GetInt32("llama.embedding_length")));
        Assert.That(embedding.Rows, Is.EqualTo(file.Metadata.GetUtf8Array("tokenizer.ggml.tokens").Length));
    }

    [Test]
    public void AReleasedTensorCanBeReadAgain()
    {
        using var file = GgufFile.Open(Demo("demo-q8_0.gguf"));
        var tensor = file.GetTensor("token_embd.weight");
        byte[] before = new Span<byte>(tensor.Data, (int)tensor.ByteCount).ToArray();
        tensor.Release();
        tensor.Release();
        Assert.That(new Span<byte>(tensor.Data, (int)tensor.ByteCount).SequenceEqual(before));
    }

    [Test]
    public void AClosedFileHasNoData()
    {
        var file = GgufFile.Open(Demo("demo-mmproj-q8_0.gguf"));
        var tensor = file.Tensors[0];
        file.Dispose();
        Assert.That(() => (nint)tensor.Data, Throws.TypeOf<ObjectDisposedException>());
    }

    [Test]
    public void APinnedTensorStaysMapped()
    {
        using var file = GgufFile.Open(Golden.Path("llm/llama/model.gguf"));
        StoredTensor tensor = file.GetTensor("token_embd.weight"), slice = tensor.RowRange(3, 2);
        byte first = tensor.Data[0], third = tensor.Data[3 * tensor.RowBytes];
        using (TensorPin whole = tensor.Pin(), part = slice.Pin())
        {
            tensor.Release();
            Assert.That((whole.Data[0], part.Data[0]), Is.EqualTo((first, third)));
            file.Dispose();
            Assert.That((whole.Data[0], part.Data[0]), Is.EqualTo((first, third)));
        }

        Assert.That(() => tensor.Pin().Dispose(), Throws.TypeOf<ObjectDisposedException>());
        Assert.That(() => slice.DecodeRow(0, new float[slice.Columns]), Throws.TypeOf<ObjectDisposedException>());
    }

    /// <summary>Every model file of the goldens opens, and every tensor can be touched from its first to its last byte.</summary>
    [Test]
    public void OpensEveryGolden()
    {
        foreach (string path in Directory.EnumerateFiles(Golden.Path("llm_weight_types"), "*.gguf", SearchOption.AllDirectories))
        {
            using var file = GgufFile.Open(path);
            foreach (var tensor in file.Tensors)
                Assert.That(tensor.Data[0] + tensor.Data[tensor.ByteCount - 1], Is.GreaterThanOrEqualTo(0), tensor.Name);
        }
    }
}
