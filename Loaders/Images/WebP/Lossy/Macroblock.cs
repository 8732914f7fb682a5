using System.Runtime.CompilerServices;

namespace TinyMllm.Loaders.Images.WebP.Lossy;

/// <summary>How a macroblock of 16×16 pixels is coded (RFC 6386, 11).</summary>
internal struct Macroblock
{
    public int Segment;

    /// <summary>No coefficients follow.</summary>
    public bool IsSkipped;

    /// <summary>Luma is predicted by subblocks, with <see cref="Subblocks"/>; else as a whole, with <see cref="LumaMode"/>.</summary>
    public bool HasSubblocks;

    /// <summary>One of the first four modes.</summary>
    public SubblockMode LumaMode;

    /// <summary>One of the first four modes.</summary>
    public SubblockMode ChromaMode;

    public SubblockModes16 Subblocks;
}

/// <summary>Modes of a macroblock's 4×4 subblocks, row after row.</summary>
[InlineArray(16)]
internal struct SubblockModes16
{
    private SubblockMode _mode;
}

/// <summary>Reads the first partition's record of each macroblock (RFC 6386, 19.3), with the modes around it as context.</summary>
internal sealed class MacroblockReader(BoolDecoder bits, LossyHeader header, int macroblocksAcross)
{
    private readonly SubblockMode[] _above = new SubblockMode[4 * macroblocksAcross];
    private readonly SubblockMode[] _left = new SubblockMode[4];

    public void BeginRow() => Array.Clear(_left);

    public Macroblock Read(int column)
    {
        var macroblock = default(Macroblock);
        if (header.UpdatesSegmentMap)
        {
            byte[] tree = header.SegmentProbabilities;
            macroblock.Segment = bits.Read(tree[0]) ? 2 + (bits.Read(tree[2]) ? 1 : 0) : bits.Read(tree[1]) ? 1 : 0;
        }

        if (header.SkipProbability >= 0) macroblock.IsSkipped = bits.Read(header.SkipProbability);
        Span<SubblockMode> above = _above.AsSpan(4 * column, 4);
        macroblock.HasSubblocks = !bits.Read(145);
        if (macroblock.HasSubblocks)
        {
            for (int i = 0; i < 16; i++)
            {
                SubblockMode mode = SubblockModes.Read(bits, above[i & 3], _left[i >> 2]);
                macroblock.Subblocks[i] = above[i & 3] = _left[i >> 2] = mode;
            }
        }
        else
        {
            macroblock.LumaMode = ReadLumaMode();
            above.Fill(macroblock.LumaMode);
            Array.Fill(_left, macroblock.LumaMode);
        }

        macroblock.ChromaMode = ReadChromaMode();
        return macroblock;
    }

    private SubblockMode ReadLumaMode() => bits.Read(156)
        ? bits.Read(128) ? SubblockMode.TrueMotion : SubblockMode.Horizontal
        : bits.Read(163) ? SubblockMode.Vertical : SubblockMode.Dc;

    private SubblockMode ReadChromaMode() => !bits.Read(142) ? SubblockMode.Dc
        : !bits.Read(114) ? SubblockMode.Vertical
        : bits.Read(183) ? SubblockMode.TrueMotion : SubblockMode.Horizontal;
}
