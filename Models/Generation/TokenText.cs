using TinyMllm.Loaders.Tokenizers;

namespace TinyMllm.Generation;

/// <summary>The tokenizer's stream of characters, as strings.</summary>
internal sealed class TokenText(Tokenizer tokenizer, bool special, bool trimLeadingSpace) : ITokenText
{
    private readonly TokenStream _stream = new(tokenizer, special, trimLeadingSpace);

    public string Push(int token) => _stream.Append(token).ToString();

    public string Flush() => _stream.Flush().ToString();
}
