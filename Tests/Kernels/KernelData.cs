namespace TinyMllm.Tests.Kernels;

/// <summary>Numbers for kernels, the same on every run.</summary>
internal static class KernelData
{
    /// <summary>Lengths that leave every kind of tail at every width.</summary>
    public static readonly int[] Lengths = [1, 3, 4, 7, 8, 15, 16, 17, 31, 33, 64, 100];

    /// <summary>Evenly spread between −<paramref name="range"/> and <paramref name="range"/>.</summary>
    public static float[] Uniform(int count, int seed, float range = 1)
    {
        var random = new Random(seed);
        float[] values = new float[count];
        foreach (ref float value in values.AsSpan()) value = range * (float)((random.NextDouble() * 2) - 1);
        return values;
    }
}
