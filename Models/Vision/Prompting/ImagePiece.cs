namespace TinyMllm.Vision.Prompting;

/// <summary>One element of the sequence that stands for a picture in the prompt.</summary>
public abstract record ImagePiece
{
    private ImagePiece()
    {
    }

    /// <summary>Text that goes through the tokenizer, special tokens included.</summary>
    /// <param name="Value">The text.</param>
    public sealed record MarkerText(string Value) : ImagePiece;

    /// <summary>A single token of the vocabulary.</summary>
    /// <param name="Value">Its text.</param>
    public sealed record MarkerToken(string Value) : ImagePiece;

    /// <summary>Pixels to be encoded.</summary>
    /// <param name="Value">The overview or a tile.</param>
    /// <param name="Tokens">The embeddings that it will give.</param>
    public sealed record Pixels(ImageTile Value, TokenGrid Tokens) : ImagePiece;
}
