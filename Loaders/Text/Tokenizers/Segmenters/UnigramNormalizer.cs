using System.Buffers;
using System.Text;
using TinyMllm.Engine.Sampling;

namespace TinyMllm.Loaders.Text.Tokenizers.Segmenters;

/// <summary>What SentencePiece does to text before cutting it: characters replaced by its precompiled map, spaces tidied and written U+2581.</summary>
internal sealed class UnigramNormalizer(TokenizerVocabulary vocabulary, TokenTrie userDefined)
{
    private readonly PrecompiledCharsMap _map = new(vocabulary.CharsMap);

    /// <summary>Normalises a text.</summary>
    public byte[] Normalize(ReadOnlySpan<byte> text)
    {
        var writer = new SpaceWriter(vocabulary.AddSpacePrefix, vocabulary.RemoveExtraWhitespaces, text.Length);
        while (!text.IsEmpty)
        {
            if (userDefined.LongestPrefix(text, out int length) >= 0) writer.Write(text[..length]);
            else if (_map.TryMatch(text, out length, out ReadOnlySpan<byte> replacement)) writer.Write(replacement);
            else if (Rune.DecodeFromUtf8(text, out _, out length) == OperationStatus.Done) writer.Write(text[..length]);
            else
            {
                length = 1;
                writer.Write("\uFFFD"u8);
            }

            text = text[length..];
        }

        return writer.ToArray();
    }

    /// <summary>Writes the spaces between words.</summary>
    private ref struct SpaceWriter(bool addPrefix, bool mergeSpaces, int capacity)
    {
        private readonly List<byte> _bytes = new(capacity + 8);
        private bool _needsPrefix = addPrefix;
        private bool _inWord;

        public void Write(ReadOnlySpan<byte> text)
        {
            foreach (byte value in text)
            {
                if (value == ' ')
                {
                    _inWord = false;
                    if (!mergeSpaces) _bytes.AddRange(Segmenter.EscapedSpace);
                    continue;
                }

                if (!_inWord && (_needsPrefix || mergeSpaces))
                {
                    _bytes.AddRange(Segmenter.EscapedSpace);
                    _needsPrefix = false;
                }

                _inWord = true;
                _bytes.Add(value);
            }
        }

        public readonly byte[] ToArray() => [.. _bytes];
    }
}
