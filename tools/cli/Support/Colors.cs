using System.Globalization;
using TinyMllm.Loaders.Images;

namespace TinyMllm.Cli.Support;

/// <summary>Colours as people type them.</summary>
internal static class Colors
{
    /// <summary>A colour: <c>white</c>, <c>black</c>, <c>#RRGGBB</c>; null for <c>none</c>.</summary>
    /// <param name="text">What was typed.</param>
    /// <param name="option">The option it was typed for, for the message.</param>
    /// <exception cref="UsageException">It is none of these.</exception>
    public static RgbColor? Parse(string text, string option)
    {
        switch (text.ToLowerInvariant())
        {
            case "none":
                return null;
            case "white":
                return RgbColor.White;
            case "black":
                return RgbColor.Black;
        }

        string digits = text.StartsWith('#') ? text[1..] : text;
        if (digits.Length == 6 && uint.TryParse(digits, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out uint value))
            return new RgbColor((byte)(value >> 16), (byte)(value >> 8), (byte)value);
        throw new UsageException($"{option} is '{text}', expected white, black, none or #RRGGBB");
    }
}
