using System.CommandLine;
using TinyMllm.Engine.Sampling;

namespace TinyMllm.Cli.Support;

/// <summary>The options that say how answers are made, the same for every command that makes some.</summary>
internal sealed class AnswerArguments
{
    private readonly Option<int> _tokens;
    private readonly Option<float> _temperature =
        new("--temp") { Description = "Temperature; 0 (unless set) takes the likeliest token each time.", HelpName = "T" };
    private readonly Option<int> _topK =
        new("--top-k") { Description = "Sample among the K likeliest; 0 = all.", HelpName = "K", DefaultValueFactory = _ => 40 };
    private readonly Option<float> _topP =
        new("--top-p") { Description = "Sample among the likeliest that make up P together.", HelpName = "P",
        DefaultValueFactory = _ => 0.95f };
    private readonly Option<float> _minP =
        new("--min-p") { Description = "Drop tokens less likely than P times the likeliest.", HelpName = "P",
        DefaultValueFactory = _ => 0.05f };
    private readonly Option<float> _typical =
        new("--typical") { Description = "Locally typical sampling; 1 = off.", HelpName = "P", DefaultValueFactory = _ => 1f };
    private readonly Option<float> _repeatPenalty =
        new("--repeat-penalty") { Description = "Divide the odds of tokens used lately; 1 = off.", HelpName = "R",
        DefaultValueFactory = _ => 1f };
    private readonly Option<uint?> _seed = new("--seed") { Description = "Seed of the random numbers.", HelpName = "N" };
    private readonly Option<string?> _system = new("--system") { Description = "What the system turn says.", HelpName = "TEXT" };
    private readonly Option<string[]> _stop =
        new("--stop") { Description = "End the answer at this text; may be repeated.", HelpName = "TEXT" };
    private readonly Option<string?> _grammar =
        new("--grammar") { Description = "A GBNF grammar that the answer follows, or @FILE.", HelpName = "GBNF" };
    private readonly Option<string?> _schema =
        new("--json-schema") { Description = "A JSON schema that the answer follows, or @FILE.", HelpName = "JSON" };

    /// <param name="tokens">Most tokens of an answer unless the user says otherwise.</param>
    public AnswerArguments(int tokens) =>
        _tokens = new Option<int>("-n", "--tokens") { Description = "Most tokens of an answer.", HelpName = "N",
            DefaultValueFactory = _ => tokens };

    public void AddTo(Command command)
    {
        foreach (Option option in new Option[]
            { _tokens, _temperature, _topK, _topP, _minP, _typical, _repeatPenalty, _seed, _system, _stop, _grammar, _schema }) command.Add(
                option);
    }

    public string? System(ParseResult parsed) => parsed.GetValue(_system);

    /// <summary>The options as the library takes them.</summary>
    /// <exception cref="UsageException">A number is out of range.</exception>
    public GenerationOptions Options(ParseResult parsed)
    {
        if (parsed.GetValue(_tokens) < 0) throw new UsageException($"-n is {parsed.GetValue(_tokens)}, expected 0 or more");
        var sampling = new SamplerOptions
        {
            Temperature = parsed.GetValue(_temperature),
            TopK = parsed.GetValue(_topK),
            TopP = parsed.GetValue(_topP),
            MinP = parsed.GetValue(_minP),
            TypicalP = parsed.GetValue(_typical),
            RepeatPenalty = parsed.GetValue(_repeatPenalty),
            Seed = parsed.GetValue(_seed),
        };
        try
        {
            sampling.Validate();
        }
        catch (ArgumentException problem)
        {
            throw new UsageException(problem.Message);
        }

        return new GenerationOptions
        {
            MaxTokens = parsed.GetValue(_tokens),
            Sampling = sampling,
            SystemPrompt = parsed.GetValue(_system),
            StopStrings = parsed.GetValue(_stop) ?? [],
            Grammar = Text(parsed.GetValue(_grammar)),
            JsonSchema = Text(parsed.GetValue(_schema)),
        };
    }

    private static string? Text(string? value) => value is ['@', ..] ? File.ReadAllText(value[1..]) : value;
}
