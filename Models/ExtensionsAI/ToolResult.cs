using System.Text.RegularExpressions;
using Microsoft.Extensions.AI;

namespace TinyMllm.ExtensionsAI;

/// <summary>
/// What a tool gave back, as texts and pictures in order. Functions return contents as they are; what comes over the wire or out of a stored
/// conversation is JSON, in which a picture is a data: address. Thousands of tokens of base 64 would tell a model nothing.
/// </summary>
internal static partial class ToolResult
{
    /// <summary>Reads a result.</summary>
    public static IEnumerable<AIContent> Read(FunctionResultContent result) => result.Result switch
    {
        null when result.Exception is { } failure => [new TextContent($"Error: {failure.Message}")],
        TextContent or DataContent or UriContent => [(AIContent)result.Result],
        IEnumerable<AIContent> several => several,
        var other => Split(Json.WriteResult(other)),
    };

    /// <summary>Takes the pictures out of a text.</summary>
    private static List<AIContent> Split(string text)
    {
        List<AIContent> contents = [];
        int at = 0;
        foreach (ValueMatch match in Picture().EnumerateMatches(text))
        {
            if (TryPicture(text.Substring(match.Index, match.Length)) is not { } picture) continue;
            if (match.Index > at) contents.Add(new TextContent(text[at..match.Index]));
            contents.Add(picture);
            at = match.Index + match.Length;
        }

        if (at < text.Length || at == 0) contents.Add(new TextContent(text[at..]));
        return contents;
    }

    private static DataContent? TryPicture(string address)
    {
        try
        {
            return new DataContent(address);
        }
        catch (FormatException)
        {
            return null; // Somebody writes about addresses.
        }
    }

    [GeneratedRegex(@"data:image/[a-zA-Z0-9.+-]+;base64,[A-Za-z0-9+/]+=*")]
    private static partial Regex Picture();
}
