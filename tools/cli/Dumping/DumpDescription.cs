using System.Globalization;
using System.Text.Json;
using TinyMllm.Generation;

namespace TinyMllm.Cli.Dumping;

/// <summary><c>dump.json</c>: the chunks of the prompt, where it ends, the likeliest tokens; the fields of the goldens'
/// <c>expected.json</c>.</summary>
internal sealed class DumpDescription
{
    private readonly List<(PromptPart Part, int Position)> _parts = [];

    /// <summary>Tiles of pictures so far.</summary>
    public int Pictures { get; private set; }

    /// <summary>Position behind the prompt.</summary>
    public int PastPositions { get; set; }

    /// <summary>The likeliest token of each row of logits.</summary>
    public List<int> Greedy { get; } = [];

    /// <summary>Adds what was read at a position.</summary>
    public void Add(PromptPart part, int position)
    {
        _parts.Add((part, position));
        if (part is PicturePart) Pictures++;
    }

    public void Write(Stream stream)
    {
        using var json = new Utf8JsonWriter(stream, new JsonWriterOptions { Indented = true });
        json.WriteStartObject();
        json.WriteStartArray("chunks");
        int pictures = 0;
        foreach ((PromptPart part, int position) in _parts)
        {
            json.WriteStartObject();
            if (part is TextPart text) WriteText(json, text, position);
            else WritePicture(json, (PicturePart)part, position, pictures++);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteNumber("n_past", PastPositions);
        json.WriteString("logits", "logits.npy");
        WriteNumbers(json, "greedy", Greedy);
        json.WriteEndObject();
    }

    private static void WriteText(Utf8JsonWriter json, TextPart text, int position)
    {
        json.WriteString("type", "text");
        json.WriteNumber("pos0", position);
        WriteNumbers(json, "tokens", text.Ids);
    }

    private static void WritePicture(Utf8JsonWriter json, PicturePart picture, int position, int number)
    {
        string suffix = number.ToString("00", CultureInfo.InvariantCulture) + ".npy";
        json.WriteString("type", "image");
        json.WriteNumber("pos0", position);
        json.WriteNumber("n_tokens", picture.Tokens);
        json.WriteNumber("grid_nx", picture.Grid.Columns);
        json.WriteNumber("grid_ny", picture.Grid.Rows);
        json.WriteNumber("n_pos", picture.Positions);
        json.WriteBoolean("non_causal", picture.NonCausal);
        json.WriteStartArray("pixels");
        json.WriteStartObject();
        json.WriteString("file", "pixels_" + suffix);
        json.WriteNumber("nx", picture.Tile.Size.Width);
        json.WriteNumber("ny", picture.Tile.Size.Height);
        json.WriteEndObject();
        json.WriteEndArray();
        json.WriteString("embd", "embd_" + suffix);
        if (!picture.UsesMrope) return;
        int[] positions = picture.PositionsFrom(position);
        string[] axes = ["mrope_t", "mrope_y", "mrope_x"];
        for (int axis = 0; axis < axes.Length; axis++)
        {
            WriteNumbers(json, axes[axis],
                positions[(axis * picture.Tokens)..((axis + 1) * picture.Tokens)]);
        }
    }

    private static void WriteNumbers(Utf8JsonWriter json, string name, IEnumerable<int> numbers)
    {
        json.WriteStartArray(name);
        foreach (int number in numbers) json.WriteNumberValue(number);
        json.WriteEndArray();
    }
}
