using System.CommandLine;
using System.Globalization;
using Spectre.Console;
using TinyMllm.Cli.Support;
using TinyMllm.Loaders.Gguf.Quantization;

namespace TinyMllm.Cli.Commands;

/// <summary><c>quantize IN OUT TYPE</c>: makes a smaller GGUF file.</summary>
internal sealed class QuantizeCommand : CliCommand
{
    private readonly Argument<string> _input =
        new("IN") { Description = "A GGUF file with F32, F16 or BF16 weights: a language model or a picture encoder (mmproj)." };
    private readonly Argument<string> _output =
        new("OUT") { Description = "The new file; it appears whole or not at all. No device, and not a part of IN under another name." };
    private readonly Argument<string> _type = new("TYPE")
    {
        Description = $"What to make: {string.Join(", ", QuantizationMixes.All)}.", HelpName = "TYPE",
        CompletionSources = { _ => QuantizationMixes.All.Select(mix => new System.CommandLine.Completions.CompletionItem(mix.ToString())) },
    };

    private readonly Option<bool> _pure =
        new("--pure") { Description = "Every matrix in the one type, instead of the mix that keeps sensitive ones finer." };
    private readonly Option<bool> _again =
        new("--allow-requantize") { Description = "Take weights that are quantised already; they lose twice." };
    private readonly Option<int> _threads = new("-t", "--threads") { Description = "Threads; 0 = one per processor.", HelpName = "N" };

    public QuantizeCommand(Terminal terminal, Interrupts interrupts)
        : base("quantize", "Make a smaller GGUF file out of a larger one.", terminal, interrupts)
    {
        foreach (Argument argument in new Argument[] { _input, _output, _type }) Add(argument);
        foreach (Option option in new Option[] { _pure, _again, _threads }) Add(option);
    }

    public override IReadOnlyList<string> Examples =>
    [
        "tinymllm quantize model-f16.gguf model-q4_k_m.gguf Q4_K_M",
        "tinymllm quantize mmproj-f16.gguf mmproj-q8_0.gguf Q8_0",
    ];

    public override async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        string name = parsed.GetRequiredValue(_type), input = parsed.GetRequiredValue(_input), output = parsed.GetRequiredValue(_output);
        if (!QuantizationMixes.TryParse(name, out QuantizationMix mix))
            throw new UsageException($"'{name}' is not a weight type; there are {string.Join(", ", QuantizationMixes.All)}");
        Inputs.Existing(input);
        if (parsed.GetValue(_threads) < 0) throw new UsageException("-t is negative");
        var options = new QuantizationOptions
        {
            Mix = mix, Pure = parsed.GetValue(_pure), AllowRequantize = parsed.GetValue(_again), Threads = parsed.GetValue(_threads),
        };

        IReadOnlyList<QuantizedTensor> tensors = await ProgressBars.RunAsync<QuantizedTensor, IReadOnlyList<QuantizedTensor>>(
            Terminal, Path.GetFileName(output), tensor => (tensor.Index + 1, tensor.Count, null),
            progress => Task.Run(() => ModelQuantizer.Quantize(input, output, options, progress, cancellationToken),
                cancellationToken)).ConfigureAwait(false);
        Show(tensors);
        return ExitCodes.Success;
    }

    private void Show(IReadOnlyList<QuantizedTensor> tensors)
    {
        Table table = Terminal.NewTable("from", "to", "tensors", "before", "after");
        foreach (var group in tensors.GroupBy(tensor => (tensor.From, tensor.To))
            .OrderByDescending(group => group.Sum(tensor => tensor.InputBytes)))
        {
            table.AddRow(group.Key.From.ToString(), group.Key.To.ToString(), group.Count().ToString(CultureInfo.InvariantCulture),
                Sizes.Bytes(group.Sum(tensor => tensor.InputBytes)), Sizes.Bytes(group.Sum(tensor => tensor.OutputBytes)));
        }

        Terminal.OutConsole.Write(table);
        Terminal.Out.WriteLine(
            $"{Sizes.Bytes(tensors.Sum(tensor => tensor.InputBytes))} became {Sizes.Bytes(tensors.Sum(tensor => tensor.OutputBytes))}");
    }
}
