using TinyMllm.Cli.Support;
using TinyMllm.Loaders.Files;
using TinyMllm.Loaders.Gguf;
using TinyMllm.Tests.Support;

namespace TinyMllm.Tests.Cli;

/// <summary>No command destroys what it reads, or what is no file.</summary>
[TestFixture]
[Platform(Exclude = "Win")]
public sealed class OutputSafetyTests
{
    private string _folder = "";

    [SetUp]
    public void CreateFolder() => _folder = Directory.CreateTempSubdirectory("tinymllm-safety-").FullName;

    [TearDown]
    public void RemoveFolder() => Directory.Delete(_folder, recursive: true);

    [TestCase("tool quantize \"$DEMO/demo-q8_0.gguf\" /dev/null q4_0 --allow-requantize", "/dev/null")]
    [TestCase("tool quantize \"$DEMO/demo-q8_0.gguf\" link q4_0 --allow-requantize", "link")]
    [TestCase("tool quantize \"$DEMO/demo-q8_0.gguf\" pipe q4_0 --allow-requantize", "pipe")]
    [TestCase("tool describe pictures -m demo -o /dev/null", "/dev/null")]
    [TestCase("tool describe pictures -m demo -o pipe", "pipe")]
    [TestCase("tool dump -m demo -p x -c 64 -o dump", "dump/logits.npy")]
    public void WhatIsNoFileStaysWhatItIs(string script, string name)
    {
        Directory.CreateDirectory(In("pictures"));
        Directory.CreateDirectory(In("dump"));
        File.Copy(Tool.Sample("pizza.png"), In("pictures/pizza.png"));
        File.CreateSymbolicLink(In("link"), "/dev/null");
        File.CreateSymbolicLink(In("dump/logits.npy"), "/dev/null");
        Shell.Run($"mkfifo '{In("pipe")}'");
        FileKind before = FileKinds.Of(In(name));

        var result = Tool.Script(script, _folder);
        Assert.That((result.ExitCode, FileKinds.Of(In(name))), Is.EqualTo((ExitCodes.BadInput, before)), result.Error);
        Assert.That(result.Error.Split('\n')[^2], Does.StartWith("error: ").And.Contain(name));
        Assert.That(Directory.GetFiles(_folder, "*.tmp", SearchOption.AllDirectories), Is.Empty);
    }

    [TestCase("in.gguf", "in.gguf")]
    [TestCase("in.gguf", "./in.gguf")]
    [TestCase("link.gguf", "in.gguf", Description = "IN is a link to OUT")]
    [TestCase("in.gguf", "link.gguf", Description = "OUT is a link to IN")]
    [TestCase("aside/in.gguf", "in.gguf", Description = "through a link to the folder")]
    [TestCase("hard.gguf", "in.gguf")]
    [TestCase("part-00001-of-00003.gguf", "part-00001-of-00003.gguf")]
    [TestCase("part-00001-of-00003.gguf", "part-00003-of-00003.gguf")]
    [TestCase("part-00001-of-00003.gguf", "aside/part-00002-of-00003.gguf")]
    public void QuantizeKeepsItsInput(string input, string output)
    {
        File.Copy(Tool.DemoModel, In("in.gguf"));
        File.CreateSymbolicLink(In("link.gguf"), "in.gguf");
        File.CreateSymbolicLink(In("aside"), _folder);
        Shell.Run($"ln '{In("in.gguf")}' '{In("hard.gguf")}'");
        using (var model = GgufFile.Open(In("in.gguf")))
        {
            var writer = new GgufWriter();
            foreach ((string key, GgufValue value) in model.Metadata.Entries) writer.Set(key, value);
            foreach (var tensor in model.Tensors) writer.Add(tensor);
            Assert.That(writer.SaveSplit(In("part"), (model.Tensors.Count + 2) / 3), Has.Length.EqualTo(3));
        }

        Dictionary<string, byte[]> before = Directory.GetFiles(_folder).ToDictionary(path => path, File.ReadAllBytes);
        var result = Tool.Script($"tool quantize {input} {output} q4_0 --allow-requantize", _folder);
        Assert.That(result.ExitCode, Is.EqualTo(ExitCodes.BadInput), result.Error);
        Assert.That(result.Error, Does.StartWith($"error: {output} is ").And.Contain("read here"));
        Assert.That(Directory.GetFiles(_folder), Is.EquivalentTo(before.Keys));
        foreach ((string path, byte[] bytes) in before) Assert.That(File.ReadAllBytes(path).AsSpan().SequenceEqual(bytes), path);
        Assert.That(new FileInfo(In("link.gguf")).LinkTarget, Is.EqualTo("in.gguf"));

        var good = Tool.Script($"tool quantize {input} out.gguf q4_0 --allow-requantize", _folder);
        Assert.That(good.ExitCode, Is.Zero, good.Error);
    }

    [Test]
    public void DumpKeepsTheModel()
    {
        File.Copy(Tool.DemoModel, In("model.gguf"));
        Directory.CreateDirectory(In("dump"));
        File.CreateSymbolicLink(In("dump/logits.npy"), In("model.gguf"));
        var result = Tool.Script("tool dump -m model.gguf -p x -c 64 -o dump", _folder);
        Assert.That(result.ExitCode, Is.EqualTo(ExitCodes.BadInput), result.Error);
        Assert.That(new FileInfo(In("model.gguf")).Length, Is.EqualTo(new FileInfo(Tool.DemoModel).Length));
    }

    [TestCase("tool eval -m demo --set set.jsonl --json", "set.jsonl")]
    [TestCase("tool inspect model.gguf --json", "model.gguf")]
    [TestCase("tool run -m demo -p @set.jsonl", "set.jsonl")]
    [TestCase("tool describe pictures -m demo -o log.jsonl", "log.jsonl")]
    [Platform("Linux")]
    public void StandardOutputIsNoFileThatIsRead(string script, string name)
    {
        File.Copy(Tool.DemoModel, In("model.gguf"));
        Directory.CreateDirectory(In("pictures"));
        File.Copy(Tool.Sample("pizza.png"), In("pictures/pizza.png"));
        File.WriteAllText(In("set.jsonl"), """{"question":"What is this?","answer":"a pizza"}""" + "\n");
        File.WriteAllText(In("log.jsonl"), "");
        byte[] before = File.ReadAllBytes(In(name));
        var result = Tool.Script($"{script} >> {name}", _folder);
        Assert.That(result.ExitCode, Is.EqualTo(ExitCodes.BadInput));
        Assert.That(result.Error, Is.EqualTo($"error: standard output goes to {name}, which is read here: send it to another file\n"));
        Assert.That(File.ReadAllBytes(In(name)).AsSpan().SequenceEqual(before));
        Assert.That(Tool.Script($"{script} >> other.txt", _folder).ExitCode, Is.Zero);
    }

    private string In(string name) => name[0] == '/' ? name : Path.Combine(_folder, name);
}
