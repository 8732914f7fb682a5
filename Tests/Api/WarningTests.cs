using TinyMllm.Kernels.Quantization;
using TinyMllm.Loaders.Gguf;
using TinyMllm.Tests.Cli;
using TinyMllm.Tests.Support;

namespace TinyMllm.Tests.Api;

/// <summary>Files with something wrong that can be loaded all the same: the model answers, and whoever chose the file is told.</summary>
[TestFixture]
public sealed class WarningTests
{
    private const string Matrix = "blk.1.ffn_down.weight", Norm = "blk.0.attn_norm.weight";

    /// <summary>As in the stories files: "no such token" written as the largest unsigned number.</summary>
    [Test]
    public async Task AModelWithSpecialTokensOutsideItsVocabularyAnswers()
    {
        string[] names = ["padding", "unknown", "seperator", "mask", "fim_pad", "fim_rep", "fim_sep", "eom", "fim_mid"];
        using var copy = new GgufCopy(Demo.ModelPath);
        foreach (string name in names) copy.Set($"tokenizer.ggml.{name}_token_id", GgufValue.From(uint.MaxValue));
        using var model = VisionLanguageModel.Load(copy.Save(), Demo.ProjectorPath);
        GenerationResult result = await model.AnswerAsync("What do you see?", [Demo.Picture("pizza")]);
        Assert.That(result.Text, Is.EqualTo("a pizza on a green background."));
        Assert.That(model.Info.Warnings, Has.Count.EqualTo(names.Length));
        foreach (string name in names)
            Assert.That(model.Info.Warnings, Has.Some.Contains($"tokenizer.ggml.{name}_token_id: found token 4294967295, but the vocabulary"));
    }

    [Test]
    public async Task EvenTheFirstAndTheLastTokenMayLieOutside()
    {
        using var copy = new GgufCopy(Demo.ModelPath);
        foreach (string name in new[] { "bos", "eos", "eot" }) copy.Set($"tokenizer.ggml.{name}_token_id", GgufValue.From(1_000_000u));
        using var model = VisionLanguageModel.Load(copy.Save(), Demo.ProjectorPath);
        Assert.That(model.Info.Warnings, Has.Count.EqualTo(3));
        Assert.That((await model.AnswerAsync("What do you see?", [Demo.Picture("pizza")], new() { MaxTokens = 5 })).Text, Is.Not.Null);
        Tool.Result inspected = await Tool.RunAsync("inspect", copy.Path);
        Assert.That(inspected.ExitCode, Is.Zero);
        foreach (string name in new[] { "bos", "eos", "eot" })
        {
            Assert.That(inspected.ErrorLines,
                Has.One.StartsWith($"warning: {copy.Path}: tokenizer.ggml.{name}_token_id: found token 1000000, but the vocabulary has"));
        }
    }

    [Test]
    public void AModelInOrderHasNoWarnings()
    {
        using VisionLanguageModel model = Demo.Load(new ModelOptions { CheckWeights = true });
        Assert.That(model.Info.Warnings, Is.Empty);
    }

    [Test]
    public async Task WeightsThatAreNotNumbersAreNamed()
    {
        using var copy = new GgufCopy(Demo.ModelPath);
        int blocks = BlocksPerRow(Matrix);
        copy.Change(Matrix, bytes => Spoil(bytes, (3 * blocks) + 2));
        copy.Change(Norm, bytes => BitConverter.GetBytes(float.NegativeInfinity).CopyTo(bytes, 4 * 7));
        string path = copy.Save();
        using (var model = VisionLanguageModel.Load(path))
        {
            Assert.That(model.Info.Warnings, Is.EquivalentTo(new[]
            {
                $"{path}: tensor '{Matrix}': found NaN or infinity in block {(3 * blocks) + 2} (row 3), expected finite numbers",
                $"{path}: tensor '{Norm}': found NaN or infinity in value 7 (row 0), expected finite numbers",
            }));
        }

        Assert.That(() => VisionLanguageModel.Load(path, options: new() { CheckWeights = true }),
            Throws.TypeOf<GgufFormatException>().With.Message.Contains("NaN or infinity").And.Message.Contains("1 more tensor")
                .And.Property("File").EqualTo(path));
        Tool.Result told = await Tool.RunAsync("run", "-m", path, "-p", "x", "-n", "1");
        Assert.That(told.ErrorLines, Has.Exactly(2).StartsWith("warning: "));
        Tool.Result refused = await Tool.RunAsync("run", "-m", path, "-p", "x", "-n", "1", "--check-tensors");
        Assert.That((refused.ExitCode, refused.ErrorLines.Length), Is.EqualTo((2, 1)), refused.Error);
        Tool.Result inspected = await Tool.RunAsync("inspect", path, "--check-tensors");
        Assert.That(inspected.ExitCode, Is.EqualTo(2));
        Assert.That(inspected.ErrorLines, Has.Exactly(2).StartsWith("warning: "));
    }

    [Test]
    public void AnEncodersWeightsAreLookedAtToo()
    {
        using var file = GgufFile.Open(Demo.ProjectorPath);
        string[] names =
        [
            .. file.Tensors.Where(tensor => tensor.Type is TensorType.F32 or TensorType.F16 or TensorType.Q8_0).Select(tensor => tensor.Name),
        ];
        using var copy = new GgufCopy(Demo.ProjectorPath);
        foreach (string name in names) copy.Change(name, bytes => bytes.AsSpan(0, 4).Fill(0xFF));
        using var model = VisionLanguageModel.Load(Demo.ModelPath, copy.Save());
        Assert.That(model.Info.Warnings, Has.Count.EqualTo(names.Length), "every tensor of the encoder is read at load");
        Assert.That(model.Info.Warnings, Has.All.Contains(" 0 (row 0)"));
    }

    [Test]
    public void AllTensorsOfAFileCanBeChecked()
    {
        using var copy = new GgufCopy(Demo.ModelPath);
        copy.Change("token_embd.weight", bytes => Spoil(bytes, (bytes.Length / 34) - 1)).Change(Matrix, bytes => Spoil(bytes, 0));
        using GgufFile file = GgufFile.Open(copy.Save()), good = GgufFile.Open(Demo.ModelPath);
        Assert.That(good.FindInvalidTensors(), Is.Empty);
        Assert.That(() => file.FindInvalidTensors(new CancellationToken(true)), Throws.InstanceOf<OperationCanceledException>());
        IReadOnlyList<InvalidTensor> found = file.FindInvalidTensors();
        Assert.That(found.Select(invalid => invalid.Tensor.Name), Is.EquivalentTo(new[] { "token_embd.weight", Matrix }));
        InvalidTensor embedding = found.First(invalid => invalid.Tensor.Name == "token_embd.weight");
        Assert.That(embedding.Row, Is.EqualTo(embedding.Tensor.Rows - 1));
        file.Dispose();
        Assert.That(() => file.FindInvalidTensors(), Throws.TypeOf<ObjectDisposedException>());
    }

    private static int BlocksPerRow(string tensor)
    {
        using var file = GgufFile.Open(Demo.ModelPath);
        Assert.That(file.GetTensor(tensor).Type, Is.EqualTo(TensorType.Q8_0));
        return file.GetTensor(tensor).Columns / 32;
    }

    /// <summary>Makes the scale of a Q8_0 block NaN.</summary>
    private static void Spoil(byte[] bytes, int block) => bytes.AsSpan(34 * block, 2).Fill(0xFF);
}
