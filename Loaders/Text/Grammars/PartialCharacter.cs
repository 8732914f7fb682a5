namespace TinyMllm.Loaders.Text.Grammars;

/// <summary>The beginning of a UTF-8 sequence: tokens may end in the middle of a character.</summary>
/// <param name="Bits">The bits so far.</param>
/// <param name="Missing">Bytes still missing; 0 between characters.</param>
internal readonly record struct PartialCharacter(int Bits, int Missing)
{
    /// <summary>Takes a byte. True with the character, or -1 while it is incomplete; false for bytes that are no UTF-8.</summary>
    public bool TryAppend(byte next, out PartialCharacter rest, out int character)
    {
        // The result may be stored over this very value: what is needed of it is read first.
        int missing = Missing;
        character = -1;
        if (missing == 0)
        {
            rest = next switch
            {
                >= 0xC2 and <= 0xDF => new PartialCharacter(next & 0x1F, 1),
                >= 0xE0 and <= 0xEF => new PartialCharacter(next & 0x0F, 2),
                >= 0xF0 and <= 0xF4 => new PartialCharacter(next & 0x07, 3),
                _ => default,
            };
            if (next < 0x80) character = next;
            return next < 0x80 || rest.Missing > 0;
        }

        rest = new PartialCharacter((Bits << 6) | (next & 0x3F), missing - 1);
        if ((next & 0xC0) != 0x80 || rest.Lowest > rest.Highest || rest is { Lowest: >= 0xD800, Highest: <= 0xDFFF }) return false;
        if (rest.Missing > 0) return !rest.IsOverlong(missing);
        character = rest.Bits;
        rest = default;
        return true;
    }

    /// <summary>The smallest character that this can become; overlong forms do not count.</summary>
    public int Lowest => Bits == 0 && Missing == 2 ? 0x800 : Bits == 0 && Missing == 3 ? 0x10000 : Bits << (6 * Missing);

    /// <summary>The largest character that this can become.</summary>
    public int Highest => Math.Min((Bits << (6 * Missing)) | ((1 << (6 * Missing)) - 1), 0x10FFFF);

    /// <summary>True when the bytes so far could have been fewer: the second byte tells.</summary>
    private bool IsOverlong(int missingBefore) => missingBefore switch
    {
        2 => Bits < 0x20,
        3 => Bits < 0x10,
        _ => false,
    };
}
