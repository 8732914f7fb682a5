using Microsoft.Extensions.AI;
using TinyMllm.Generation;
using TinyMllm.Loaders.Images;

namespace TinyMllm.ExtensionsAI;

/// <summary>Reads pictures out of message contents. It decodes on the calling thread, which should be a worker's.</summary>
/// <param name="folder">The pictures that file addresses may name.</param>
/// <param name="decoder">Decodes pictures.</param>
internal sealed class ContentReader(PictureFolder folder, PictureDecoder decoder)
{
    /// <summary>The picture of a content.</summary>
    /// <param name="content">The content.</param>
    /// <param name="scope">How long the picture lives, and what ends its decoding.</param>
    /// <exception cref="ImageFormatException">The bytes are no picture.</exception>
    /// <exception cref="NotSupportedException">The content is no picture, or is at a place that is not read.</exception>
    /// <exception cref="UnauthorizedAccessException">It is a file that must not be read.</exception>
    /// <exception cref="IOException">It is a file that cannot be read.</exception>
    /// <exception cref="OperationCanceledException">Decoding was cancelled.</exception>
    public RgbImage Read(AIContent content, PictureScope scope = default) =>
        decoder.Decode(content, (options, stop) => Decode(content, options, stop), scope);

    private RgbImage Decode(AIContent content, ImageOptions options, CancellationToken cancellationToken) => content switch
    {
        DataContent data => Decode(data, options, cancellationToken),
        UriContent uri => Decode(uri, options, cancellationToken),
        _ => throw new NotSupportedException(
            $"contents of type {content.GetType().Name} are not understood, only text, pictures ({nameof(DataContent)}, {nameof(UriContent)}), "
            + "thoughts, tool calls and their results"),
    };

    private static RgbImage Decode(DataContent content, ImageOptions options, CancellationToken cancellationToken)
    {
        CheckType(content.MediaType, content.HasTopLevelMediaType("image"));
        return RgbImage.Decode(content.Data.Span, options, cancellationToken);
    }

    private RgbImage Decode(UriContent content, ImageOptions options, CancellationToken cancellationToken)
    {
        CheckType(content.MediaType, content.HasTopLevelMediaType("image"));
        Uri address = content.Uri;
        if (address.IsAbsoluteUri && address.IsFile) return folder.Read(address, options, cancellationToken);
        if (address.IsAbsoluteUri && address.Scheme == "data") return Decode(Unpack(content), options, cancellationToken);
        throw new NotSupportedException(
            $"pictures are not fetched from {(address.IsAbsoluteUri ? address.Scheme : "relative")}: addresses: give the bytes (DataContent)");
    }

    private static void CheckType(string mediaType, bool isImage)
    {
        if (!isImage && mediaType != "application/octet-stream")
            throw new NotSupportedException($"contents of type {mediaType} are not understood, only text and pictures (image/*)");
    }

    /// <summary>The bytes that a data: address holds.</summary>
    private static DataContent Unpack(UriContent content)
    {
        string address = content.Uri.OriginalString;
        int data64 = address.IndexOf(";base64,", StringComparison.OrdinalIgnoreCase);

        // Base 64 may have its + / = escaped, as anything in an address.
        if (data64 >= 0) address = string.Concat(address.AsSpan(0, data64), ";base64,", Uri.UnescapeDataString(address.AsSpan(data64 + 8)));
        try
        {
            var data = new DataContent(address, content.MediaType);
            _ = data.Data; // Unpacked now: what is wrong with it is said here.
            return data;
        }
        catch (FormatException problem)
        {
            throw new ImageFormatException($"the data: address of a picture is not well formed ({problem.Message})", problem);
        }
    }
}
