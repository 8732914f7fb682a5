using System.Runtime.CompilerServices;
using Microsoft.Extensions.AI;
using TinyMllm.Loaders.Images;

namespace TinyMllm.ExtensionsAI;

/// <summary>Reads pictures out of message contents.</summary>
/// <param name="folder">The pictures that file addresses may name.</param>
internal sealed class ContentReader(PictureFolder folder)
{
    /// <summary>A conversation carries its pictures in every request: what was decoded once is kept as long as its content object
    /// lives.</summary>
    private readonly ConditionalWeakTable<AIContent, RgbImage> _decoded = [];

    /// <summary>The picture of a content.</summary>
    /// <exception cref="ImageFormatException">The bytes are no picture.</exception>
    /// <exception cref="NotSupportedException">The content is no picture, or is at a place that is not read.</exception>
    /// <exception cref="UnauthorizedAccessException">It is a file that must not be read.</exception>
    /// <exception cref="IOException">It is a file that cannot be read.</exception>
    public RgbImage Read(AIContent content) => _decoded.GetValue(content, Decode);

    private RgbImage Decode(AIContent content) => content switch
    {
        DataContent data => Decode(data),
        UriContent uri => Decode(uri),
        _ => throw new NotSupportedException(
            $"contents of type {content.GetType().Name} are not understood, only text, pictures ({nameof(DataContent)}, {nameof(UriContent)}), "
            + "thoughts, tool calls and their results"),
    };

    private static RgbImage Decode(DataContent content)
    {
        CheckType(content.MediaType, content.HasTopLevelMediaType("image"));
        return RgbImage.Decode(content.Data.Span);
    }

    private RgbImage Decode(UriContent content)
    {
        CheckType(content.MediaType, content.HasTopLevelMediaType("image"));
        Uri address = content.Uri;
        if (address.IsAbsoluteUri && address.IsFile) return folder.Read(address);
        if (address.IsAbsoluteUri && address.Scheme == "data") return Decode(Unpack(content));
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
