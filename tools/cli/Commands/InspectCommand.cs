using System.CommandLine;
using System.Globalization;
using System.Runtime.InteropServices;
using Spectre.Console;
using TinyMllm.Cli.Support;
using TinyMllm.Engine;
using TinyMllm.Kernels;
using TinyMllm.Language;
using TinyMllm.Loaders.Gguf;
using TinyMllm.Loaders.Text.Tokenizers;
using TinyMllm.Vision;

namespace TinyMllm.Cli.Commands;

/// <summary><c>inspect FILE</c>: metadata and tensors of a GGUF file.</summary>
internal sealed class InspectCommand : CliCommand
{
    private readonly Argument<string?> _file = new("FILE") { Description = "A GGUF file; the first part of a split one finds the others.", Arity = ArgumentArity.ZeroOrOne };
    private readonly Option<bool> _machine = new("--machine") { Description = "Show what kernels this machine runs instead of a file." };
    private readonly Option<bool> _json = new("--json") { Description = "Print JSON, with every element of every array." };

    private readonly Option<bool> _check =
        new("--check-tensors") { Description = "Read all tensors too and name those with NaN or infinite numbers." };

    public InspectCommand(Terminal terminal, Interrupts interrupts)
        : base("inspect", "Show metadata and tensors of a GGUF file, or what this machine runs.", terminal, interrupts)
    {
        Add(_file);
        Add(_machine);
        Add(_json);
        Add(_check);
    }

    public override IReadOnlyList<string> Examples =>
    [
        "tinymllm inspect SmolVLM-256M-Instruct-Q8_0.gguf",
        "tinymllm inspect --machine",
        "tinymllm inspect model.gguf --json | jq '.tensors[] | select(.type == \"Q6_K\") | .name'",
    ];

    public override Task<int> RunAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        string? path = parsed.GetValue(_file);
        if (parsed.GetValue(_machine))
        {
            if (path is not null || parsed.GetValue(_json)) throw new UsageException("--machine goes without a file and without --json");
            ShowMachine();
            return Task.FromResult(ExitCodes.Success);
        }

        using var file = GgufFile.Open(Inputs.Existing(path ?? throw new UsageException("give a GGUF file, or --machine")));
        if (parsed.GetValue(_json)) GgufJson.Write(file, Terminal.Out);
        else Show(file);
        foreach (string warning in VocabularyWarnings(file)) Warn(file, warning);
        foreach (string problem in TemplateReport.Problems(file)) Warn(file, problem);
        if (!parsed.GetValue(_check)) return Task.FromResult(ExitCodes.Success);

        IReadOnlyList<InvalidTensor> invalid = file.FindInvalidTensors(cancellationToken);
        foreach (InvalidTensor tensor in invalid) Warn(file, tensor.ToString());
        if (invalid.Count == 0) Terminal.Note($"{file.Path}: all tensors hold finite numbers");
        return Task.FromResult(invalid.Count == 0 ? ExitCodes.Success : ExitCodes.BadInput);
    }

    private void Warn(GgufFile file, string problem) => Terminal.Note($"warning: {file.Path}: {problem}");

    /// <summary>What the file's vocabulary has of what cannot be so, or why there is none.</summary>
    private static IReadOnlyList<string> VocabularyWarnings(GgufFile file)
    {
        if (!file.Metadata.Contains("tokenizer.ggml.model")) return [];
        try
        {
            return Tokenizer.Load(file.Metadata).Warnings;
        }
        catch (Exception problem) when (Failures.IsBadInput(problem))
        {
            return [problem.Message];
        }
    }

    private void ShowMachine()
    {
        string because = Environment.GetEnvironmentVariable(InstructionSets.Variable) is { Length: > 0 } ? $", as {InstructionSets.Variable} says" : "";
        Table machine = Terminal.NewTable("", "");
        machine.HideHeaders();
        machine.AddRow("processor", $"{RuntimeInformation.ProcessArchitecture}, {Environment.ProcessorCount} threads".ToLowerInvariant());
        machine.AddRow("system", Markup.Escape(RuntimeInformation.OSDescription));
        machine.AddRow("runtime", Markup.Escape(RuntimeInformation.FrameworkDescription));
        machine.AddRow("instruction sets", string.Join(", ", Isa.Supported.Select(isa => isa.Name)));
        machine.AddRow("in use", $"{Isa.Current.Name}{because}: {Isa.Current.Lanes} floats per vector");
        Terminal.OutConsole.Write(machine);
    }

    private void Show(GgufFile file)
    {
        Terminal.Out.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{file.Path}: GGUF v{file.Version}, {Sizes.Bytes(file.Length)}{(file.PartCount > 1 ? $" in {file.PartCount} parts" : "")}, alignment {file.Alignment}"));
        Terminal.Out.WriteLine();
        Table metadata = Terminal.NewTable("key", "type", "value");
        foreach ((string key, GgufValue value) in file.Metadata.Entries)
            metadata.AddRow(Markup.Escape(key), Markup.Escape(value.Describe()), Markup.Escape(OneLine(value.ToString())));
        Terminal.OutConsole.Write(metadata);

        Terminal.Out.WriteLine();
        Table tensors = Terminal.NewTable("tensor", "type", "shape", "bytes");
        foreach (StoredTensor tensor in file.Tensors)
        {
                tensors.AddRow(Markup.Escape(tensor.Name), tensor.Type.ToString(), string.Join(" × ", tensor.Dimensions),
                    tensor.ByteCount.ToString(CultureInfo.InvariantCulture));
        }

        Terminal.OutConsole.Write(tensors);

        Terminal.Out.WriteLine();
        string types = string.Join(", ",
            file.Tensors.GroupBy(tensor => tensor.Type).OrderByDescending(group => group.Sum(tensor => tensor.ByteCount))
            .Select(group => $"{group.Key} {Sizes.Bytes(group.Sum(tensor => tensor.ByteCount))} in {group.Count()}"));
        Terminal.Out.WriteLine(Support(file));
        if (TemplateReport.Line(file) is { } template) Terminal.Out.WriteLine(OneLine(template));
        Terminal.Out.WriteLine(
            $"{file.Tensors.Count} tensors, {Sizes.Count(file.Tensors.Sum(tensor => tensor.ElementCount))} weights: {types}");
    }

    /// <summary>Whether this engine runs the file, or what stands in the way.</summary>
    private static string Support(GgufFile file)
    {
        bool supported = file.Architecture == "clip" ? VisionModel.Supports(file, out string reason)
            : LanguageModel.Supports(file, out reason);
        return supported ? "supported: yes" : $"supported: no: {OneLine(reason)}";
    }

    private static string OneLine(string text)
    {
        text = text.ReplaceLineEndings("\\n");
        text = string.Concat(text.Select(c => char.IsControl(c) ? '\uFFFD' : c));
        return text.Length <= 100 ? text : text[..99] + "…";
    }
}
