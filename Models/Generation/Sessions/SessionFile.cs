using System.Text;
using TinyMllm.Loaders.Images;
using TinyMllm.Loaders.Text.Chat;

namespace TinyMllm.Generation.Sessions;

/// <summary>
/// A session in a stream: [magic][version][whose model][pictures][turns][memory]. Numbers are little-endian and 32 bits wide, texts are
/// UTF-8 behind their length. Pictures are stored once, as pixels, because their places in the memory are found by content.
/// </summary>
internal static class SessionFile
{
    private const int Magic = 0x53534D54; // "TMSS"
    private const int Version = 1;

    /// <summary>Most turns, parts of a turn and pictures: far more than a context holds.</summary>
    private const int Most = 1 << 20;

    /// <summary>Writes a session.</summary>
    public static void Save(Stream stream, ModelInfo model, IReadOnlyList<ChatTurn> turns, Slot slot, Func<RgbImage, PictureKey> key)
    {
        using var writer = new BinaryWriter(stream, Encoding.UTF8, leaveOpen: true);
        writer.Write(Magic);
        writer.Write(Version);
        foreach (string? fact in Facts(model)) Write(writer, fact);
        RgbImage[] images = [.. turns.SelectMany(turn => turn.Images).Distinct()];
        writer.Write(images.Length);
        foreach (RgbImage image in images)
        {
            writer.Write(image.Width);
            writer.Write(image.Height);
            Write(writer, image.IsComplete);
            writer.Write(image.Pixels.Span);
        }

        writer.Write(turns.Count);
        foreach (ChatTurn turn in turns) Write(writer, turn, images);
        slot.Save(writer, [.. images.Select(key)]);
    }

    /// <summary>Reads a session's turns, and its memory into <paramref name="slot"/>.</summary>
    /// <exception cref="SessionFormatException">It is none, damaged, or another model's.</exception>
    public static IReadOnlyList<ChatTurn> Load(Stream stream, ModelInfo model, Slot slot, Func<RgbImage, PictureKey> key)
    {
        using var reader = new SessionReader(stream);
        int magic = reader.Between(int.MinValue, int.MaxValue, "the first bytes");
        if (magic != Magic) throw SessionReader.Damaged($"0x{magic:x8} as the first bytes", $"0x{Magic:x8}");
        reader.Between(Version, Version, "the version");
        foreach (string? expected in Facts(model))
        {
            if (reader.Text() is var found && found != expected)
                throw SessionReader.Damaged($"the session of another model ({found ?? "none"})", expected ?? "none");
        }

        var images = new RgbImage[reader.Count(Most, "pictures")];
        for (int i = 0; i < images.Length; i++)
        {
            int width = reader.Between(1, int.MaxValue, "a picture's width");
            int height = reader.Between(1, int.MaxValue / 3 / width, "a picture's height");
            bool complete = reader.Boolean();
            images[i] = RgbImage.Own(width, height, reader.Bytes(width * height * 3), complete);
        }

        var turns = new List<ChatTurn>();
        for (int count = reader.Count(Most, "turns"); count > 0; count--) turns.Add(ReadTurn(reader, images));
        slot.Load(reader, [.. images.Select(key)]);
        return turns;
    }

    /// <summary>What makes a model the same: the numbers in the memory are those of its weights.</summary>
    private static string?[] Facts(ModelInfo model) =>
        [model.Name, model.Architecture, model.Projector, $"{model.Weights} weights, {model.FileBytes} bytes, {model.VocabularySize} tokens"];

    private static void Write(BinaryWriter writer, ChatTurn turn, RgbImage[] images)
    {
        TurnMessage message = turn.Message;
        writer.Write((int)message.Role);
        writer.Write(message.Parts.Count);
        foreach (ChatPart part in message.Parts) Write(writer, part.Text);
        writer.Write(turn.Images.Count);
        foreach (RgbImage image in turn.Images) writer.Write(Array.IndexOf(images, image));
        writer.Write(message.ToolCalls.Count);
        foreach (ChatToolCall call in message.ToolCalls)
        {
            Write(writer, call.Id);
            Write(writer, call.Name);
            Write(writer, call.ArgumentsJson);
        }

        Write(writer, message.Reasoning);
        Write(writer, message.ToolCallId);
        Write(writer, message.ToolName);
    }

    private static ChatTurn ReadTurn(SessionReader reader, RgbImage[] images)
    {
        var role = (TurnRole)reader.Between(0, (int)TurnRole.Tool, "a role");
        var parts = new List<ChatPart>();
        for (int count = reader.Count(Most, "parts of a turn"); count > 0; count--)
            parts.Add(reader.Text() is { } text ? ChatPart.FromText(text) : ChatPart.Image);
        var shown = new List<RgbImage>();
        for (int count = reader.Count(Most, "pictures of a turn"); count > 0; count--)
            shown.Add(images[reader.Between(0, images.Length - 1, "a picture's number")]);
        var calls = new List<ChatToolCall>();
        for (int count = reader.Count(Most, "tool calls"); count > 0; count--)
            calls.Add(new ChatToolCall(reader.Text() ?? "", reader.Text() ?? "", reader.Text() ?? ""));
        var message = new TurnMessage(role, parts)
        {
            ToolCalls = calls, Reasoning = reader.Text(), ToolCallId = reader.Text(), ToolName = reader.Text(),
        };
        return new ChatTurn(message, shown);
    }

    private static void Write(BinaryWriter writer, bool value) => writer.Write(value ? 1 : 0);

    private static void Write(BinaryWriter writer, string? text)
    {
        Write(writer, text is not null);
        if (text is null) return;
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        writer.Write(bytes.Length);
        writer.Write(bytes);
    }
}
