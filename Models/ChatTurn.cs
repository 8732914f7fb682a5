using TinyMllm.Loaders.Images;
using TinyMllm.Loaders.Text.Chat;

namespace TinyMllm;

/// <summary>One turn of a conversation with its pictures.</summary>
/// <param name="Message">Role, texts and places of pictures.</param>
/// <param name="Images">The pictures, in the order of their places.</param>
public sealed record ChatTurn(TurnMessage Message, IReadOnlyList<RgbImage> Images)
{
    /// <summary>A user's turn: pictures first, then the question, the order most models were trained on.</summary>
    /// <param name="text">The question.</param>
    /// <param name="images">The pictures.</param>
    public static ChatTurn User(string text, params IReadOnlyList<RgbImage> images) =>
        new(TurnMessage.User([.. images.Select(_ => ChatPart.Image), text]), images);

    /// <summary>What the system says.</summary>
    /// <param name="text">The instructions.</param>
    public static ChatTurn System(string text) => new(TurnMessage.System(text), []);

    /// <summary>An answer of the model.</summary>
    /// <param name="text">The answer.</param>
    public static ChatTurn Assistant(string text) => new(TurnMessage.Assistant(text), []);
}
