namespace TinyMllm.Loaders.Images.Jpeg.Entropy;

/// <summary>What DAC segments set: how magnitudes choose contexts (T.81, B.2.4.3 and F.1.4.4.1.2, F.1.4.4.2).</summary>
internal sealed class ArithmeticConditioning
{
    /// <summary>L: differences up to 2^(L−1) count as zero.</summary>
    public byte[] DcLower { get; } = [0, 0, 0, 0];

    /// <summary>U: differences above 2^(U−1) count as large.</summary>
    public byte[] DcUpper { get; } = [1, 1, 1, 1];

    /// <summary>Kx: AC coefficients up to this index share the magnitude contexts of low frequencies.</summary>
    public byte[] AcSplit { get; } = [5, 5, 5, 5];

    public void Define(int tableClass, int number, int value)
    {
        if (number >= DcLower.Length || tableClass > 1)
            throw new ImageFormatException($"JPEG: DAC for table {number} of class {tableClass}");
        if (tableClass == 1)
        {
            if (value is < 1 or > 63) throw new ImageFormatException($"JPEG: DAC sets Kx to {value}, expected 1 to 63");
            AcSplit[number] = (byte)value;
            return;
        }

        (int lower, int upper) = (value & 15, value >> 4);
        if (lower > upper) throw new ImageFormatException($"JPEG: DAC sets bounds {lower} and {upper}, expected them in order");
        (DcLower[number], DcUpper[number]) = ((byte)lower, (byte)upper);
    }
}
