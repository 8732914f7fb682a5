using System.Runtime.CompilerServices;
using System.Text;
using TinyMllm.Loaders.Images;
using TinyMllm.Loaders.Text.Chat;
using TinyMllm.Loaders.Text.Tokenizers;
using TinyMllm.Vision;

namespace TinyMllm.Generation;

/// <summary>
/// Puts a prompt together: the text is cut at <see cref="ChatTemplate.ImageMarker"/>, each stretch goes through the tokenizer, and each marker
/// becomes the markers and tiles of a picture (docs/models/vision.md#prompt). The result is what the language model reads, in order.
/// </summary>
internal sealed class PromptBuilder
{
    private readonly Tokenizer _tokenizer;
    private readonly VisionModel? _vision;
    private readonly bool _usesMrope;
    private readonly string _languagePath;
    private readonly Dictionary<string, int> _markerTokens = [];

    /// <summary>A picture object that comes again was not changed: it need not be cut and hashed again.</summary>
    private readonly ConditionalWeakTable<RgbImage, KnownImage> _known = [];

    /// <summary>Checks that the two models belong together.</summary>
    /// <param name="tokenizer">Vocabulary of the language model.</param>
    /// <param name="languagePath">Path of the language model's file, for messages.</param>
    /// <param name="inputLength">Columns of an embedding row that the language model takes (LanguageModel.InputLength).</param>
    /// <param name="usesMrope">Whether it has two-dimensional positions (LanguageModel.UsesMrope).</param>
    /// <param name="vision">The vision model; null for text alone.</param>
    /// <exception cref="UnsupportedModelException">The embeddings of one are not of the width of the other.</exception>
    public PromptBuilder(Tokenizer tokenizer, string languagePath, int inputLength, bool usesMrope, VisionModel? vision)
    {
        (_tokenizer, _languagePath, _usesMrope, _vision) = (tokenizer, languagePath, usesMrope, vision);
        if (vision is not null && vision.EmbeddingLength != inputLength)
        {
            throw new UnsupportedModelException(
                $"{vision.Path} gives embeddings of {vision.EmbeddingLength} values, {languagePath} takes {inputLength}: the two files do not belong together");
        }
    }

    /// <summary>Builds a prompt.</summary>
    /// <param name="prompt">Text with special tokens written out and a marker for each picture, except where it is guarded.</param>
    /// <param name="images">The pictures, in the order of the markers.</param>
    /// <exception cref="PictureCountException">More or fewer pictures than markers.</exception>
    /// <exception cref="UnsupportedModelException">There are pictures, but the model has no picture encoder; or the vocabulary lacks a token that
    /// the vision model wants around its pictures.</exception>
    public IReadOnlyList<PromptPart> Build(GuardedText prompt, IReadOnlyList<RgbImage> images)
    {
        if (images.Count > 0 && _vision is null)
        {
            throw new UnsupportedModelException(
                "the prompt has a picture, but the model was loaded without a picture encoder: give its mmproj file");
        }

        IReadOnlyList<GuardedText> stretches = prompt.Split(ChatTemplate.ImageMarker);
        if (stretches.Count - 1 != images.Count) throw new PictureCountException(stretches.Count - 1, images.Count);

        List<PromptPart> parts = [];
        List<int> text = [];
        if (_tokenizer.AddBos && _tokenizer.Bos >= 0) text.Add(_tokenizer.Bos);
        for (int i = 0; i < stretches.Count; i++)
        {
            text.AddRange(Tokens(stretches[i]));
            if (i < images.Count) AddPicture(images[i], parts, text);
        }

        if (_tokenizer.AddEos && _tokenizer.Eos >= 0) text.Add(_tokenizer.Eos);
        EndText(parts, text);
        return parts;
    }

    /// <summary>The content of a picture of a prompt.</summary>
    public PictureKey KeyOf(RgbImage image) => Known(image).Key;

    private KnownImage Known(RgbImage image) => _known.GetValue(image, image => new KnownImage(PictureKey.Of(image), _vision!.Prepare(image)));

    private void AddPicture(RgbImage image, List<PromptPart> parts, List<int> text)
    {
        VisionModel vision = _vision!;
        KnownImage known = Known(image);
        int index = 0;
        foreach (ImagePiece piece in known.Prepared.Pieces)
        {
            switch (piece)
            {
                case ImagePiece.MarkerText marker:
                    text.AddRange(Tokens(marker.Value));
                    break;
                case ImagePiece.MarkerToken marker:
                    text.Add(MarkerToken(marker.Value));
                    break;
                case ImagePiece.Pixels { Tile: var tile }:
                    EndText(parts, text);
                    TokenGrid grid = vision.Tokens(tile);
                    parts.Add(new PicturePart(known.Key, index++, tile, _usesMrope ? grid : TokenGrid.Line(grid.Count), vision.NonCausal, _usesMrope));
                    break;
            }
        }
    }

    /// <summary>Text around pictures, of markers and words alike, is one part up to the next tile.</summary>
    private static void EndText(List<PromptPart> parts, List<int> text)
    {
        if (text.Count == 0) return;
        parts.Add(new TextPart([.. text]));
        text.Clear();
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

    private sealed record KnownImage(PictureKey Key, PreparedImage Prepared);
}
