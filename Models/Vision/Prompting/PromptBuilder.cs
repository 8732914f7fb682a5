using System.Text;
using TinyMllm.Loaders.Text.Tokenizers;

namespace TinyMllm.Vision.Prompting;

/// <summary>
/// Puts a prompt together: the text is cut at <see cref="Marker"/>, each part goes through the tokenizer, and each marker becomes the
/// pieces of a prepared picture (docs/models/vision.md#prompt). The result is what the language model reads, in order, with positions.
/// </summary>
public sealed class PromptBuilder
{
    /// <summary>Stands in the text where a picture goes.</summary>
    public const string Marker = "<__media__>";

    private readonly Tokenizer _tokenizer;
    private readonly VisionModel? _vision;
    private readonly bool _usesMrope;
    private readonly string _languagePath;
    private readonly Dictionary<string, int> _markerTokens = [];

    /// <summary>Checks that the two models belong together.</summary>
    /// <param name="tokenizer">Vocabulary of the language model.</param>
    /// <param name="languagePath">Path of the language model's file, for messages.</param>
    /// <param name="inputLength">Columns of an embedding row that the language model takes (LanguageModel.InputLength).</param>
    /// <param name="usesMrope">Whether it has two-dimensional positions (LanguageModel.UsesMrope).</param>
    /// <param name="vision">The vision model; null for text alone.</param>
    /// <exception cref="UnsupportedModelException">The embeddings of one are not of the width of the other.</exception>
    public PromptBuilder(Tokenizer tokenizer, string languagePath, int inputLength, bool usesMrope, VisionModel? vision)
    {
        ArgumentNullException.ThrowIfNull(tokenizer);
        (_tokenizer, _languagePath, _usesMrope, _vision) = (tokenizer, languagePath, usesMrope, vision);
        if (vision is not null && vision.EmbeddingLength != inputLength)
        {
            throw new UnsupportedModelException(
                $"{vision.Path} gives embeddings of {vision.EmbeddingLength} values, {languagePath} takes {inputLength}: the two files do not belong together");
        }
    }

    /// <summary>Builds the chunks of a prompt.</summary>
    /// <param name="prompt">Text with special tokens written out and <see cref="Marker"/> for each picture, except where it is guarded.</param>
    /// <param name="images">The pictures, prepared by the vision model, in the order of the markers.</param>
    /// <param name="addSpecial">Whether to add the tokens that begin and end a prompt, where the vocabulary wants them.</param>
    /// <param name="position">Position of the first token.</param>
    /// <exception cref="PictureCountException">More or fewer pictures than markers.</exception>
    /// <exception cref="UnsupportedModelException">The vocabulary lacks a token that the vision model wants around its
    /// pictures.</exception>
    public IReadOnlyList<PromptChunk> Build(GuardedText prompt, IReadOnlyList<PreparedImage> images, bool addSpecial = true, int position = 0)
    {
        ArgumentNullException.ThrowIfNull(prompt);
        ArgumentNullException.ThrowIfNull(images);
        IReadOnlyList<GuardedText> parts = prompt.Split(Marker);
        if (parts.Count - 1 != images.Count) throw new PictureCountException(parts.Count - 1, images.Count);

        var chunks = new ChunkList(position, _usesMrope, _vision?.NonCausal ?? false);
        if (addSpecial && _tokenizer.AddBos && _tokenizer.Bos >= 0) chunks.Add([_tokenizer.Bos]);
        for (int i = 0; i < parts.Count; i++)
        {
            chunks.Add(Tokens(parts[i]));
            if (i == images.Count) continue;
            foreach (ImagePiece piece in images[i].Pieces)
            {
                switch (piece)
                {
                    case ImagePiece.MarkerText text: chunks.Add(Tokens(text.Value)); break;
                    case ImagePiece.MarkerToken token: chunks.Add([MarkerToken(token.Value)]); break;
                    case ImagePiece.Pixels pixels: chunks.Add(i, pixels); break;
                }
            }
        }

        if (addSpecial && _tokenizer.AddEos && _tokenizer.Eos >= 0) chunks.Add([_tokenizer.Eos]);
        return chunks.Finish();
    }

    private int[] Tokens(GuardedText text) => text.Text.Length == 0 ? [] : _tokenizer.Encode(text, addSpecial: false);

    /// <summary>The first token that shows as <paramref name="text"/>, as llama.cpp looks it up.</summary>
    private int MarkerToken(string text)
    {
        lock (_markerTokens)
        {
            if (_markerTokens.TryGetValue(text, out int known)) return known;
            byte[] utf8 = Encoding.UTF8.GetBytes(text);
            for (int token = 0; token < _tokenizer.VocabularySize; token++)
            {
                if (_tokenizer.Piece(token, special: true).SequenceEqual(utf8)) return _markerTokens[text] = token;
            }
        }

        string shown = text.Replace("\n", "\\n", StringComparison.Ordinal);
        throw new UnsupportedModelException(
            $"{_languagePath}: vocabulary: found no token '{shown}', expected one for pictures of {_vision?.Path} (projector type '{_vision?.ProjectorType}')");
    }

    /// <summary>Collects chunks: consecutive texts become one, positions are counted on.</summary>
    private sealed class ChunkList(int position, bool usesMrope, bool nonCausal)
    {
        private readonly List<PromptChunk> _chunks = [];
        private readonly List<int> _text = [];
        private int _position = position;

        public void Add(ReadOnlySpan<int> tokens) => _text.AddRange(tokens);

        public void Add(int image, ImagePiece.Pixels pixels)
        {
            EndText();
            TokenGrid grid = usesMrope ? pixels.Tokens : TokenGrid.Line(pixels.Tokens.Count);
            Append(new ImageChunk(_position, image, pixels.Value, grid, nonCausal, usesMrope));
        }

        public IReadOnlyList<PromptChunk> Finish()
        {
            EndText();
            return _chunks;
        }

        private void EndText()
        {
            if (_text.Count == 0) return;
            Append(new TextChunk(_position, [.. _text]));
            _text.Clear();
        }

        private void Append(PromptChunk chunk)
        {
            _chunks.Add(chunk);
            _position += chunk.PositionCount;
        }
    }
}
