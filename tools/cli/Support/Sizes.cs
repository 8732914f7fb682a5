using System.Globalization;

namespace TinyMllm.Cli.Support;

/// <summary>Numbers as people read them.</summary>
internal static class Sizes
{
    /// <summary>Bytes in binary units: <c>12.3 MiB</c>.</summary>
    public static string Bytes(long bytes)
    {
        string[] units = ["B", "KiB", "MiB", "GiB", "TiB"];
        double value = bytes;
        int unit = 0;
        for (; value >= 1024 && unit < units.Length - 1; unit++) value /= 1024;
        return value.ToString(unit == 0 ? "0" : "0.0", CultureInfo.InvariantCulture) + " " + units[unit];
    }

    /// <summary>Counts in thousands: <c>7.0 M</c>.</summary>
    public static string Count(long count) => count switch
    {
        >= 1_000_000_000 => (count / 1e9).ToString("0.0", CultureInfo.InvariantCulture) + " B",
        >= 1_000_000 => (count / 1e6).ToString("0.0", CultureInfo.InvariantCulture) + " M",
        >= 1_000 => (count / 1e3).ToString("0.0", CultureInfo.InvariantCulture) + " K",
        _ => count.ToString(CultureInfo.InvariantCulture),
    };

    /// <summary>Seconds or milliseconds.</summary>
    public static string Time(TimeSpan time) => time.TotalSeconds >= 1
        ? time.TotalSeconds.ToString("0.00", CultureInfo.InvariantCulture) + " s"
        : time.TotalMilliseconds.ToString("0", CultureInfo.InvariantCulture) + " ms";

    /// <summary>Things per second.</summary>
    public static string Rate(int count, TimeSpan time) =>
        time <= TimeSpan.Zero ? "-" : (count / time.TotalSeconds).ToString("0.0", CultureInfo.InvariantCulture);
}
