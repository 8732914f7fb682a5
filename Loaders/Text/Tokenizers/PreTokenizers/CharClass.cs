using System.Globalization;

namespace TinyMllm.Loaders.Text.Tokenizers.PreTokenizers;

/// <summary>Unicode properties that word patterns ask for, one bit each, so that a pattern's class is a mask.</summary>
[Flags]
internal enum CharClass : uint
{
    None = 0,
    UpperCase = 1 << 0,
    LowerCase = 1 << 1,
    TitleCase = 1 << 2,
    ModifierLetter = 1 << 3,
    OtherLetter = 1 << 4,
    DecimalDigit = 1 << 5,
    OtherNumber = 1 << 6,
    Punctuation = 1 << 7,
    Symbol = 1 << 8,
    Mark = 1 << 9,
    Space = 1 << 10,

    /// <summary>\p{L}</summary>
    Letter = UpperCase | LowerCase | TitleCase | ModifierLetter | OtherLetter,

    /// <summary>\p{N}</summary>
    Number = DecimalDigit | OtherNumber,
}

/// <summary>Looks up <see cref="CharClass"/>.</summary>
internal static class CharClasses
{
    private static readonly CharClass[] Ascii = [.. Enumerable.Range(0, 128).Select(Classify)];

    /// <summary>The class of a code point, 0 to 0x10FFFF.</summary>
    public static CharClass Of(int codePoint) => (uint)codePoint < 128 ? Ascii[codePoint] : Classify(codePoint);

    private static CharClass Classify(int codePoint)
    {
        CharClass spaces = IsWhiteSpace(codePoint) ? CharClass.Space : CharClass.None;
        return spaces | CharUnicodeInfo.GetUnicodeCategory(codePoint) switch
        {
            UnicodeCategory.UppercaseLetter => CharClass.UpperCase,
            UnicodeCategory.LowercaseLetter => CharClass.LowerCase,
            UnicodeCategory.TitlecaseLetter => CharClass.TitleCase,
            UnicodeCategory.ModifierLetter => CharClass.ModifierLetter,
            UnicodeCategory.OtherLetter => CharClass.OtherLetter,
            UnicodeCategory.DecimalDigitNumber => CharClass.DecimalDigit,
            UnicodeCategory.LetterNumber or UnicodeCategory.OtherNumber => CharClass.OtherNumber,
            UnicodeCategory.ConnectorPunctuation or UnicodeCategory.DashPunctuation or UnicodeCategory.OpenPunctuation
                or UnicodeCategory.ClosePunctuation or UnicodeCategory.InitialQuotePunctuation
                or UnicodeCategory.FinalQuotePunctuation or UnicodeCategory.OtherPunctuation => CharClass.Punctuation,
            UnicodeCategory.MathSymbol or UnicodeCategory.CurrencySymbol or UnicodeCategory.ModifierSymbol
                or UnicodeCategory.OtherSymbol => CharClass.Symbol,
            UnicodeCategory.NonSpacingMark or UnicodeCategory.SpacingCombiningMark or UnicodeCategory.EnclosingMark => CharClass.Mark,
            _ => CharClass.None,
        };
    }

    /// <summary>The White_Space property (\s).</summary>
    private static bool IsWhiteSpace(int codePoint) => codePoint
        is (>= 0x09 and <= 0x0D) or 0x20 or 0x85 or 0xA0 or 0x1680 or (>= 0x2000 and <= 0x200A)
        or 0x2028 or 0x2029 or 0x202F or 0x205F or 0x3000;
}
