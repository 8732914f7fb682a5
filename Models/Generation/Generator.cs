using System.Diagnostics;
using System.Text;
using TinyMllm.Engine.Sampling;
using TinyMllm.Loaders.Text.Chat;
using TinyMllm.Loaders.Text.Tokenizers;

namespace TinyMllm.Generation;

/// <summary>Makes an answer: reads the prompt, then chooses and reads one token after the other until something ends it.</summary>
/// <param name="reader">Reads prompts.</param>
/// <param name="tokenizer">Knows the tokens that end an answer.</param>
internal sealed class Generator(PromptReader reader, Tokenizer tokenizer)
{
    /// <summary>Runs on the calling thread and hands over each piece as soon as it is certain.</summary>
    /// <param name="slot">The conversation's memory.</param>
    /// <param name="prompt">The whole prompt; what the memory shares with it is not read again.</param>
    /// <param name="text">Turns tokens into characters.</param>
    /// <param name="parser">Tells thoughts from the text; null if all is text.</param>
    /// <param name="sampler">Fresh, or continued if the caller wants its penalties to look back.</param>
    /// <param name="options">Length, stop strings, log-probabilities.</param>
    /// <param name="emit">Receives the pieces, the last one with the result.</param>
    /// <param name="cancellationToken">Takes effect within one token.</param>
    public GenerationResult Run(
        Slot slot, IReadOnlyList<PromptPart> prompt, TokenStream text, AssistantOutputParser? parser, Sampler sampler, GenerationOptions options,
        Action<GeneratedPiece> emit, CancellationToken cancellationToken)
    {
        long start = Stopwatch.GetTimestamp();
        PromptReader.Cost cost = reader.Read(slot, prompt, options.ImageProgress, cancellationToken);
        foreach (PromptPart part in prompt)
            if (part is TextPart { Ids: var ids }) sampler.AcceptPrompt(ids);

        var answer = new Answer(text, parser, options, emit);
        TimeSpan first = TimeSpan.Zero;
        FinishReason reason;
        while (true)
        {
            if (answer.Tokens >= options.MaxTokens)
            {
                reason = FinishReason.MaxTokens;
                break;
            }

            cancellationToken.ThrowIfCancellationRequested();
            int token = sampler.Sample(slot.Logits);
            if (answer.Tokens == 0) first = Stopwatch.GetElapsedTime(start);
            if (tokenizer.IsEndOfGeneration(token))
            {
                reason = FinishReason.EndOfTurn;
                break;
            }

            sampler.Accept(token);
            if (!answer.Add(token, slot.Logits))
            {
                reason = FinishReason.StopString;
                break;
            }

            if (slot.Timeline.Tokens >= slot.Capacity)
            {
                reason = FinishReason.ContextFull;
                break;
            }

            if (answer.Tokens < options.MaxTokens) slot.ReadGenerated(token, cancellationToken);
        }

        var usage = new GenerationUsage(cost.Tokens, cost.PictureTokens, cost.ReusedTokens, answer.Tokens);
        TimeSpan total = Stopwatch.GetElapsedTime(start);
        if (first == TimeSpan.Zero) first = total;
        return answer.Finish(reason, usage, new GenerationTimings(cost.Pictures, cost.Text, first, total - first));
    }

    /// <summary>The answer so far: what was shown, what is held back, the scores. Stop strings are looked for in the text, not in thoughts.</summary>
    private sealed class Answer(TokenStream text, AssistantOutputParser? parser, GenerationOptions options, Action<GeneratedPiece> emit)
    {
        private readonly StopMatcher _stops = new(options.StopStrings);
        private readonly StringBuilder _shown = new();
        private readonly StringBuilder _thoughts = new();
        private readonly List<TokenScore> _scores = [];
        private int _scoresShown;

        public int Tokens { get; private set; }

        /// <summary>Adds a token; false if a stop string is complete.</summary>
        public bool Add(int token, ReadOnlySpan<float> logits)
        {
            Tokens++;
            if (options.LogProbabilities is { } count) _scores.Add(Score(token, logits, count));
            Show(Split(text.Append(token).ToString(), ended: false), null);
            return _stops.Matched is null;
        }

        public GenerationResult Finish(FinishReason reason, GenerationUsage usage, GenerationTimings timings)
        {
            (string thoughts, string rest) = reason == FinishReason.StopString ? ("", "") : Split(text.Flush().ToString(), ended: true);
            if (reason != FinishReason.StopString && _stops.Matched is not null) reason = FinishReason.StopString;
            rest += _stops.Flush();
            var result = new GenerationResult(_shown + rest, reason, _stops.Matched, usage, timings, _scores)
            {
                Reasoning = (_thoughts + thoughts).Trim(),
            };
            Show((thoughts, rest), result);
            return result;
        }

        /// <summary>What of a piece are thoughts, and what of the text can be shown.</summary>
        private (string Thoughts, string Text) Split(string piece, bool ended)
        {
            if (parser is null) return ("", _stops.Push(piece));
            string thoughts = "", shown = "";
            IEnumerable<AssistantSegment> segments = parser.Append(piece);
            if (ended) segments = [.. segments, .. parser.Finish()];
            foreach (AssistantSegment segment in segments)
            {
                if (segment.Kind == AssistantSegmentKind.Reasoning) thoughts += segment.Text;
                else shown += _stops.Push(segment.Text);
            }

            return (thoughts, shown);
        }

        private void Show((string Thoughts, string Text) piece, GenerationResult? result)
        {
            if (piece.Thoughts.Length + piece.Text.Length == 0 && result is null && _scores.Count == _scoresShown) return;
            _thoughts.Append(piece.Thoughts);
            _shown.Append(piece.Text);
            IReadOnlyList<TokenScore> scores = _scores.Count == _scoresShown ? [] : _scores[_scoresShown..];
            _scoresShown = _scores.Count;
            emit(new GeneratedPiece(piece.Text, scores, result) { Reasoning = piece.Thoughts });
        }

        private static TokenScore Score(int token, ReadOnlySpan<float> logits, int count)
        {
            var alternatives = new TokenLogProbability[Math.Min(count, logits.Length)];
            float score = LogProbabilities.Of(logits, token, alternatives, out int written);
            return new TokenScore(token, score, alternatives[..written]);
        }
    }
}
