using TinyMllm.Loaders.Text.Tokenizers;

namespace TinyMllm.Generation;

/// <summary>The tokenizer's stream of characters, as strings.</summary>
/// <param name="tokenizer">The vocabulary.</param>
/// <param name="specialShown">The special tokens that appear as their own text; null for all of them.</param>
/// <param name="trimLeadingSpace">Whether one space at the very start is left out.</param>
internal sealed class TokenText(Tokenizer tokenizer, IReadOnlySet<int>? specialShown, bool trimLeadingSpace) : ITokenText
{
    private readonly TokenStream _stream = new(tokenizer, specialShown, trimLeadingSpace);

    public string Push(int token) => _stream.Append(token).ToString();

    public string Flush() => _stream.Flush().ToString();
}
