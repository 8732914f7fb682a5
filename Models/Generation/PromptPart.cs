using TinyMllm.Vision.Prompting;

namespace TinyMllm.Generation;

/// <summary>A stretch of a prompt as the decoder takes it.</summary>
internal abstract record PromptPart
{
    /// <summary>Entries it takes in the cache.</summary>
    public abstract int Tokens { get; }

    /// <summary>Positions it takes; fewer than tokens where a picture has two-dimensional positions.</summary>
    public abstract int Positions { get; }
}

/// <summary>Text.</summary>
/// <param name="Ids">Token ids.</param>
internal sealed record TextPart(int[] Ids) : PromptPart
{
    public override int Tokens => Ids.Length;

    public override int Positions => Ids.Length;
}

/// <summary>One slice of a picture: the whole of it, a tile, an overview.</summary>
/// <param name="Picture">Content of the picture.</param>
/// <param name="Slice">Which of its slices; the same content gives the same slices.</param>
/// <param name="Chunk">Its pixels and how its embeddings are placed.</param>
internal sealed record PicturePart(PictureKey Picture, int Slice, ImageChunk Chunk) : PromptPart
{
    public override int Tokens => Chunk.TokenCount;

    public override int Positions => Chunk.PositionCount;
}
