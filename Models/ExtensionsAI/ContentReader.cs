using System.Runtime.CompilerServices;
using Microsoft.Extensions.AI;
using TinyMllm.Loaders.Images;

namespace TinyMllm.ExtensionsAI;

/// <summary>Reads pictures out of message contents.</summary>
internal sealed class ContentReader
{
    /// <summary>A conversation carries its pictures in every request: what was decoded once is kept as long as its content object
    /// lives.</summary>
    private readonly ConditionalWeakTable<DataContent, RgbImage> _decoded = [];

    /// <summary>The picture of a content, or null if it is none.</summary>
    /// <exception cref="ImageFormatException">The bytes are no picture.</exception>
    /// <exception cref="NotSupportedException">The content is neither a picture nor at a place that is read.</exception>
    public RgbImage? Read(AIContent content) => content switch
    {
        DataContent data when data.HasTopLevelMediaType("image") || data.MediaType == "application/octet-stream" =>
            _decoded.GetValue(data, Decode),
        DataContent data => throw new NotSupportedException(
            $"contents of type {data.MediaType} are not understood, only text and pictures (image/*)"),
        UriContent { Uri.IsFile: true } uri => RgbImage.Load(uri.Uri.LocalPath),
        UriContent uri => throw new NotSupportedException(
            $"pictures are not fetched from {uri.Uri.Scheme}: addresses: give the bytes (DataContent) or a file URI"),
        _ => null,
    };

    private static RgbImage Decode(DataContent content) => RgbImage.Decode(content.Data.Span);
}
