namespace TinyMllm.Loaders.Hub;

/// <summary>
/// Names a model on a hub: <c>OWNER/REPO</c>, <c>OWNER/REPO:FILE</c>, <c>OWNER/REPO:TAG</c> (a weight type such as <c>Q4_K_M</c>), each
/// with
/// an optional <c>@REVISION</c>, or a short name of <see cref="HubCatalog"/> such as <c>smolvlm:256m</c>.
/// </summary>
/// <param name="Repository"><c>OWNER/REPO</c>.</param>
/// <param name="Selector">File name or weight type, or null for the best one.</param>
/// <param name="Revision">Branch, tag or commit.</param>
public sealed record HubReference(string Repository, string? Selector = null, string Revision = "main")
{
    /// <summary>Reads a reference.</summary>
    /// <param name="text">What the user wrote.</param>
    /// <exception cref="HubException">It is neither a short name nor <c>OWNER/REPO[:FILE]</c>.</exception>
    public static HubReference Parse(string text) =>
        TryParse(text, out HubReference? reference)
            ? reference
            : throw new HubException(HubError.BadReference, text.Contains('/')
                ? $"'{text}' is not OWNER/REPO[:FILE][@REVISION]"
                : $"'{text}' is neither a known short name such as smolvlm:256m nor OWNER/REPO[:FILE]");

    /// <summary>Reads a reference, or says that it is not one.</summary>
    /// <param name="text">What the user wrote.</param>
    /// <param name="reference">The reference.</param>
    public static bool TryParse(string text, [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out HubReference? reference)
    {
        ArgumentNullException.ThrowIfNull(text);
        reference = HubCatalog.Find(text)?.Reference;
        if (reference is not null) return true;

        string rest = text, revision = "main";
        int at = rest.LastIndexOf('@');
        if (at >= 0) (rest, revision) = (rest[..at], rest[(at + 1)..]);
        int colon = rest.IndexOf(':');
        string? selector = colon < 0 ? null : rest[(colon + 1)..];
        if (colon >= 0) rest = rest[..colon];

        string[] names = rest.Split('/');
        if (names.Length != 2 || !names.All(IsName)) return false;
        if (!revision.Split('/').All(IsName)) return false;
        if (selector is not null && !IsSafePath(selector)) return false;
        reference = new HubReference(rest, selector, revision);
        return true;
    }

    /// <summary>The reference as a user writes it.</summary>
    public override string ToString() =>
        Repository + (Selector is null ? "" : ":" + Selector) + (Revision == "main" ? "" : "@" + Revision);

    /// <summary>Whether a path from a listing stays inside its folder on every system: no empty, dot or drive parts, no control
    /// characters.</summary>
    internal static bool IsSafePath(string path) =>
        path.Length is > 0 and <= 512
        && path.Split('/').All(part =>
            part.Length > 0 && part.Trim('.', ' ').Length > 0
                && !part.Any(c => char.IsControl(c) || c is '\\' or ':' or '*' or '?' or '"' or '<' or '>' or '|'));

    private static bool IsName(string name) =>
        name.Length is > 0 and <= 128 && name.Trim('.').Length > 0 && !name.EndsWith('.')
        && name.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.');
}
