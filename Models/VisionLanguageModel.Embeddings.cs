using TinyMllm.Engine;
using TinyMllm.Generation;
using TinyMllm.Loaders.Images;

namespace TinyMllm;

public sealed partial class VisionLanguageModel
{
    /// <summary>Encodes a picture; a picture that was asked about lately is not encoded again, and the other way round.</summary>
    /// <param name="image">The picture.</param>
    /// <param name="cancellationToken">Takes effect within one layer of the encoder.</param>
    /// <exception cref="UnsupportedModelException">The model has no picture encoder.</exception>
    /// <exception cref="ObjectDisposedException">The model was disposed.</exception>
    public Task<ImageEmbedding> EmbedAsync(RgbImage image, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(image);
        return Task.Run(() => Embed(image, cancellationToken), cancellationToken);
    }

    private ImageEmbedding Embed(RgbImage image, CancellationToken cancellationToken)
    {
        using ActivityGate.Activity activity = _gate.Enter(cancellationToken);
        PicturePart[] tiles = [.. _files.Prompts.Build(Loaders.Text.Chat.ChatTemplate.ImageMarker, [image]).OfType<PicturePart>()];
        int features = Vision!.EmbeddingLength, tokens = tiles.Sum(tile => tile.Tokens);
        float[] values = new float[tokens * features];
        using var workspace = new Workspace(_pool, _options.HugePages);
        int at = 0;
        foreach (PicturePart tile in tiles)
        {
            float[] rows = _embeddings.GetOrEncode(tile.Picture, tile.Index,
                () => Vision.Encode(workspace, tile.Tile, null, activity.Token), out _);
            rows.CopyTo(values, at);
            at += rows.Length;
        }

        return new ImageEmbedding(values, tokens, features);
    }
}
