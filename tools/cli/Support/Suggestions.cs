namespace TinyMllm.Cli.Support;

/// <summary>What somebody probably meant who mistyped a name.</summary>
internal static class Suggestions
{
    /// <summary><c>; did you mean 'run'?</c>, or nothing if no name is near.</summary>
    public static string DidYouMean(string typed, IEnumerable<string> names) =>
        Nearest(typed, names) is { } name ? $"; did you mean '{name}'?" : "";

    /// <summary>The name that takes the fewest slips to become what was typed, or null if even that is too many.</summary>
    public static string? Nearest(string typed, IEnumerable<string> names)
    {
        string? nearest = names.MinBy(name => Slips(typed, name));
        return nearest is not null && Slips(typed, nearest) <= Math.Max(1, typed.Length / 3) ? nearest : null;
    }

    /// <summary>Letters that are missing, too many or wrong, and neighbours that changed places (optimal string alignment).</summary>
    private static int Slips(string typed, string name)
    {
        int[,] slips = new int[typed.Length + 1, name.Length + 1];
        for (int i = 0; i <= typed.Length; i++)
        {
            for (int j = 0; j <= name.Length; j++)
            {
                if (i == 0 || j == 0)
                {
                    slips[i, j] = i + j;
                    continue;
                }

                int wrong = char.ToLowerInvariant(typed[i - 1]) == char.ToLowerInvariant(name[j - 1]) ? 0 : 1;
                slips[i, j] = Math.Min(Math.Min(slips[i - 1, j], slips[i, j - 1]) + 1, slips[i - 1, j - 1] + wrong);
                if (i > 1 && j > 1 && typed[i - 1] == name[j - 2] && typed[i - 2] == name[j - 1])
                    slips[i, j] = Math.Min(slips[i, j], slips[i - 2, j - 2] + 1);
            }
        }

        return slips[typed.Length, name.Length];
    }
}
