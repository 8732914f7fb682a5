using System.CommandLine;
using TinyMllm.Engine.Sampling;
using TinyMllm.Loaders.Text.Grammars;

namespace TinyMllm.Cli.Support;

/// <summary>The options that say how answers are made, the same for every command that makes some.</summary>
internal sealed class AnswerArguments
{
    private readonly Option<int> _tokens;
    private readonly Option<float?> _temperature =
        new("--temp") { HelpName = "T",
            Description = "Temperature; 0 takes the likeliest token each time. Unless set: what the model's file recommends, else 0." };
    private readonly Option<int?> _topK = new("--top-k") { Description = "Sample among the K likeliest; 0 = all.", HelpName = "K" };
    private readonly Option<float?> _topP =
        new("--top-p") { Description = "Sample among the likeliest that make up P together.", HelpName = "P" };
    private readonly Option<float?> _minP =
        new("--min-p") { Description = "Drop tokens less likely than P times the likeliest.", HelpName = "P" };
    private readonly Option<float?> _typical = new("--typical") { Description = "Locally typical sampling; 1 = off.", HelpName = "P" };
    private readonly Option<float?> _repeatPenalty =
        new("--repeat-penalty") { Description = "Divide the odds of tokens used lately; 1 = off.", HelpName = "R" };
    private readonly Option<uint?> _seed = new("--seed") { Description = "Seed of the random numbers.", HelpName = "N" };
    private readonly Option<string?> _system = new("--system") { Description = "What the system turn says.", HelpName = "TEXT" };
    private readonly Option<string[]> _stop =
        new("--stop") { Description = "End the answer at this text; may be repeated.", HelpName = "TEXT" };
    private readonly Option<string?> _grammar =
        new("--grammar") { Description = "A GBNF grammar that the answer follows, or @FILE.", HelpName = "GBNF" };
    private readonly Option<string?> _schema =
        new("--json-schema") { Description = "A JSON schema that the answer follows, or @FILE.", HelpName = "JSON" };

    private readonly Option<bool> _think = new("--think") {
        Description = "Have the model think before it answers, where its template has a switch for that." };
    private readonly Option<bool> _noThink = new("--no-think") {
        Description = "Have the model answer at once. Without either, its template decides." };
    private readonly Option<string[]> _variables =
        new("--template-var") {
            Description = "A variable for the chat template; VALUE is JSON, else a text; may be repeated.", HelpName = "NAME=VALUE" };

    /// <param name="tokens">Most tokens of an answer unless the user says otherwise.</param>
    public AnswerArguments(int tokens) =>
        _tokens = new Option<int>("-n", "--tokens") { Description = "Most tokens of an answer.", HelpName = "N",
            DefaultValueFactory = _ => tokens };

    public void AddTo(Command command)
    {
        foreach (Option option in new Option[]
            { _tokens, _temperature, _topK, _topP, _minP, _typical, _repeatPenalty, _seed, _system, _stop, _grammar, _schema,
                _think, _noThink, _variables })
        {
            command.Add(
                    option);
        }
    }

    public string? System(ParseResult parsed) => parsed.GetValue(_system);

    /// <summary>The options as the library takes them, without regard to what a model's file recommends.</summary>
    /// <exception cref="UsageException">A number is out of range.</exception>
    /// <exception cref="GrammarException">The grammar or the schema cannot be read.</exception>
    public GenerationOptions Options(ParseResult parsed)
    {
        if (parsed.GetValue(_tokens) < 0) throw new UsageException($"-n is {parsed.GetValue(_tokens)}, expected 0 or more");
        var options = new GenerationOptions
        {
            MaxTokens = parsed.GetValue(_tokens),
            Sampling = Sampling(parsed, SamplerOptions.Greedy),
            SystemPrompt = parsed.GetValue(_system),
            StopStrings = parsed.GetValue(_stop) ?? [],
            Grammar = Text(parsed.GetValue(_grammar)),
            JsonSchema = Text(parsed.GetValue(_schema)),
            Thinking = Thinking(parsed),
            TemplateVariables = TemplateVariables.Parse(parsed.GetValue(_variables) ?? []),
        };
        Check(options);
        return options;
    }

    /// <summary>Finds what is wrong with a grammar or a schema before a model is loaded for it.</summary>
    private static void Check(GenerationOptions options)
    {
        if (options.Grammar is not null && options.JsonSchema is not null)
            throw new UsageException("give --grammar or --json-schema, not both");
        if (options.Grammar is { } grammar) Grammar.Check(grammar);
        if (options.JsonSchema is { } schema) Grammar.FromJsonSchema(schema);
    }

    private bool? Thinking(ParseResult parsed) => (parsed.GetValue(_think), parsed.GetValue(_noThink)) switch
    {
        (true, true) => throw new UsageException("--think and --no-think are opposites: give one"),
        (false, false) => null,
        (var think, _) => think,
    };

    /// <summary>The same options for a model: what the user does not say about sampling is as the model's file recommends.</summary>
    public GenerationOptions Options(ParseResult parsed, VisionLanguageModel model, Terminal terminal)
    {
        SamplerOptions sampling = Sampling(parsed, model.DefaultSampling);
        if (model.DefaultSampling.Temperature > 0 && parsed.GetValue(_temperature) is null)
        {
            terminal.Note(FormattableString.Invariant(
                $"sampling as the file recommends: temperature {sampling.Temperature}, top-k {sampling.TopK}, top-p {sampling.TopP} (--temp 0 takes the likeliest)"));
        }

        return Options(parsed) with { Sampling = sampling };
    }

    private SamplerOptions Sampling(ParseResult parsed, SamplerOptions basis)
    {
        SamplerOptions sampling = basis with
        {
            Temperature = parsed.GetValue(_temperature) ?? basis.Temperature,
            TopK = parsed.GetValue(_topK) ?? basis.TopK,
            TopP = parsed.GetValue(_topP) ?? basis.TopP,
            MinP = parsed.GetValue(_minP) ?? basis.MinP,
            TypicalP = parsed.GetValue(_typical) ?? basis.TypicalP,
            RepeatPenalty = parsed.GetValue(_repeatPenalty) ?? basis.RepeatPenalty,
            Seed = parsed.GetValue(_seed),
        };
        try
        {
            sampling.Validate();
            return sampling;
        }
        catch (ArgumentException problem)
        {
            throw new UsageException(problem.Message.Split(" (Parameter", 2)[0]);
        }
    }

    private static string? Text(string? value) => value is null ? null : Inputs.Text(value);
}
