namespace TinyMllm.Loaders.Images.WebP.Lossless;

/// <summary>Recent colours, each at the place that its hash says (WebP lossless specification, 5.2.3).</summary>
internal readonly struct ColourCache(int bits)
{
    private const uint Multiplier = 0x1E35A7BD;

    private readonly uint[] _colours = bits == 0 ? [] : new uint[1 << bits];

    public uint this[int index] => _colours[index];

    public void Add(uint pixel) => _colours[pixel * Multiplier >> (32 - bits)] = pixel;
}
