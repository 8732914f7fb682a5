using System.Globalization;

namespace TinyMllm.Loaders.Gguf;

/// <summary>
/// Models split over several files: <c>split.no</c> (from 0), <c>split.count</c> and <c>split.tensors.count</c> (of all parts
/// together) say which part a file is; the name ends in the same numbers, counted from 1: <c>-00002-of-00003.gguf</c>.
/// </summary>
internal static class GgufSplit
{
    public const string NumberKey = "split.no";
    public const string CountKey = "split.count";
    public const string TensorCountKey = "split.tensors.count";

    /// <summary>Paths of the second and later parts; none for a model in one file.</summary>
    public static IEnumerable<string> OtherParts(GgufMetadata first)
    {
        int count = PartCount(first);
        if (count == 1) yield break;
        CheckPart(first, 0);
        string suffix = Suffix(0, count);
        if (!first.Path.EndsWith(suffix, StringComparison.Ordinal))
            throw new GgufFormatException(first.Path, "file name", "another ending", $"…{suffix} for the first of {count} parts");
        string prefix = first.Path[..^suffix.Length];
        for (int i = 1; i < count; i++) yield return prefix + Suffix(i, count);
    }

    /// <summary>Checks that a file is the part that its name says.</summary>
    public static void CheckPart(GgufMetadata metadata, int number)
    {
        int found = metadata.GetInt32(NumberKey);
        if (found == number) return;
        throw number == 0
            ? new GgufFormatException(
                metadata.Path, $"key '{NumberKey}'", $"part {found}", $"0: open the first part, …{Suffix(0, PartCount(metadata))}")
            : new GgufFormatException(metadata.Path, $"key '{NumberKey}'", $"part {found}", $"{number}");
    }

    /// <summary>Checks that the parts of a split model have as many tensors as the first one says.</summary>
    public static void CheckTensorCount(GgufMetadata first, int count)
    {
        if (PartCount(first) == 1 || !first.TryGetInt32(TensorCountKey, out int expected) || expected == count) return;
        throw new GgufFormatException(first.Path, $"key '{TensorCountKey}'", $"{count} tensors in all parts", $"{expected}");
    }

    /// <summary>End of the name of part <paramref name="number"/> (from 0).</summary>
    public static string Suffix(int number, int count) =>
        string.Create(CultureInfo.InvariantCulture, $"-{number + 1:00000}-of-{count:00000}.gguf");

    private static int PartCount(GgufMetadata metadata)
    {
        int count = metadata.GetInt32(CountKey, 1);
        return count is >= 0 and <= ushort.MaxValue
            ? Math.Max(count, 1)
            : throw metadata.Invalid(CountKey, $"0 to {ushort.MaxValue}");
    }
}
