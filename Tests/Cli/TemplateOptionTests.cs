using TinyMllm.Cli.Support;
using TinyMllm.Loaders.Gguf;

namespace TinyMllm.Tests.Cli;

/// <summary>Chat templates, their variables and thinking on the command line.</summary>
[TestFixture]
public sealed class TemplateOptionTests
{
    private const string Thinker = "{% for m in messages %}Q: {{ m.content }}{% endfor %} A:{{ mood }}{% if enable_thinking is not defined or enable_thinking %}<think>\n{% endif %}";

    private string _folder = "";

    [SetUp]
    public void SetUp() => _folder = Directory.CreateTempSubdirectory("tinymllm-template-").FullName;

    [TearDown]
    public void TearDown() => Directory.Delete(_folder, recursive: true);

    [Test]
    public async Task ThoughtsAreNotPrinted()
    {
        string[] args = ["run", "-m", "demo", "-p", "What do you see?", "--chat-template", Write("t.jinja", Thinker), "--grammar", "root ::= \"yes\"", "-n", "20"];
        Tool.Result result = await Tool.RunAsync(args);
        Assert.That((result.ExitCode, result.Out), Is.EqualTo((0, "yes\n")), result.Error);
        Tool.Result cut = await Tool.RunAsync([.. args[..^1], "1"]);
        Assert.That(cut.Out, Is.EqualTo("\n"));
        Assert.That(cut.Error, Does.Contain("stopped at -n tokens, still thinking (--no-think answers at once)"));
        Tool.Result atOnce = await Tool.RunAsync([.. args[..7], "-n", "6", "--no-think"]);
        Assert.That(atOnce.Out.Trim(), Is.Not.Empty);
        Tool.Result described = await Tool.RunAsync("describe", Path.Combine(Tool.DemoFolder, "samples"), "-m", "demo", "--chat-template", "chatml", "--think", "-n", "1");
        Assert.That(described.Out, Does.Contain("\"answer\""), described.Error);
        described = await Tool.RunAsync(["describe", Path.Combine(Tool.DemoFolder, "samples"), "-m", "demo", .. args[5..^1], "1"]);
        Assert.That(described.ExitCode, Is.EqualTo(ExitCodes.Partial));
        Assert.That(described.Out, Does.Contain("\"error\":\"all tokens went into thoughts").And.Not.Contain("\"answer\""));
        Tool.Result chat = await Tool.RunWithInputAsync("What do you see?\n/history\n", ["chat", .. args[1..3], .. args[5..]]);
        Assert.That(chat.Out, Does.StartWith("yes\n").And.Contain("Assistant: yes"), chat.Error);
    }

    [Test]
    public async Task VariablesReachTheTemplate()
    {
        string template = Write("t.jinja", "{{ messages[0].content }}{% if mood is mapping %}{{ raise_exception('mood ' ~ mood.a ~ ' of ' ~ name) }}{% endif %}");
        Tool.Result result = await Tool.RunAsync("run", "-m", "demo", "-p", "x", "--chat-template", template, "--template-var", "mood={\"a\": [1]}", "--template-var", "name=a=b c");
        Assert.That((result.ExitCode, result.ErrorLines[^1]), Is.EqualTo((ExitCodes.BadInput, "error: chat template, line 1: mood [1] of a=b c")));
    }

    [TestCase("--think and --no-think are opposites: give one", "--think", "--no-think")]
    [TestCase("--template-var is NAME=VALUE, not 'x'", "--template-var", "x")]
    [TestCase("--template-var x is given twice", "--template-var", "x=1", "--template-var", "x=2")]
    [TestCase("--chat-template: there is no file chatm, and no built-in template of this name; did you mean 'chatml'?", "--chat-template", "chatm")]
    public async Task WhatMakesNoSenseIsSaidBeforeTheModelIsLoaded(string message, params string[] options)
    {
        Tool.Result result = await Tool.RunAsync(["run", "-m", "demo", "-p", "x", .. options]);
        Assert.That((result.ExitCode, result.ErrorLines.Single()), Is.EqualTo((ExitCodes.BadInput, "error: " + message)));
    }

    [TestCase("{% include 'x' %}", "has a problem; conversations fail (--chat-template gives another)", "chat template, line 1: statement 'include' is not supported here")]
    [TestCase("<|im_start|>{{ frob() }}", "has a problem; the built-in chatml takes its place where it fails", "chat template, line 1: 'frob' is not defined, so it cannot be called")]
    [TestCase("{{ messages[0].content }}{# <think> <tool_call> #}{{ tools | tojson if tools }}", "calls tools (hermes), can think", null)]
    [TestCase(null, "none; chatml is used (--chat-template gives another)", null)]
    public async Task InspectSaysWhatIsWrongWithATemplate(string? template, string line, string? warning)
    {
        string path = Path.Combine(_folder, "model.gguf");
        using (var file = GgufFile.Open(Tool.DemoModel))
        {
            var writer = new GgufWriter();
            foreach ((string key, GgufValue value) in file.Metadata.Entries)
                if (key != "tokenizer.chat_template") writer.Set(key, value);
            if (template is not null) writer.Set("tokenizer.chat_template", GgufValue.From(template));
            foreach (StoredTensor tensor in file.Tensors) writer.Add(tensor);
            writer.Save(path);
        }

        Tool.Result result = await Tool.RunAsync("inspect", path);
        Assert.That(result.ExitCode, Is.Zero);
        Assert.That(result.Out.Split('\n').Single(text => text.StartsWith("chat template:", StringComparison.Ordinal)), Does.StartWith("chat template: " + line));
        Assert.That(result.ErrorLines.Where(text => text.Contains("chat template,", StringComparison.Ordinal)), warning is null ? Is.Empty : Is.EqualTo(new[] { $"warning: {path}: {warning}" }));
        Tool.Result raw = await Tool.RunAsync("run", "-m", path, "--raw", "-p", "abc", "-n", "2");
        Assert.That(raw.ExitCode, Is.Zero, raw.Error);
        Tool.Result json = await Tool.RunAsync("inspect", path, "--json");
        Assert.That(json.Error, warning is null ? Is.Empty : Does.Contain(warning));
    }

    private string Write(string name, string text)
    {
        string path = Path.Combine(_folder, name);
        File.WriteAllText(path, text);
        return path;
    }
}
