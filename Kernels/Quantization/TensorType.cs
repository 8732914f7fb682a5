using TinyMllm.Kernels.Formats;

namespace TinyMllm.Kernels.Quantization;

/// <summary>Element types of GGUF tensors; the values are the ids in the file (ggml's type ids).</summary>
public enum TensorType
{
    /// <summary>32-bit IEEE float.</summary>
    F32 = 0,

    /// <summary>16-bit IEEE float.</summary>
    F16 = 1,

    /// <summary>Blocks of 32: half scale, 4-bit values with offset 8.</summary>
    Q4_0 = 2,

    /// <summary>Blocks of 32: half scale and minimum, 4-bit values.</summary>
    Q4_1 = 3,

    /// <summary>Blocks of 32: half scale, 5-bit values with offset 16.</summary>
    Q5_0 = 6,

    /// <summary>Blocks of 32: half scale and minimum, 5-bit values.</summary>
    Q5_1 = 7,

    /// <summary>Blocks of 32: half scale, signed 8-bit values.</summary>
    Q8_0 = 8,

    /// <summary>Blocks of 32 with a half scale and scaled sum; activations only.</summary>
    Q8_1 = 9,

    /// <summary>Super-blocks of 256: 2-bit values, 4-bit scales and minima per 16.</summary>
    Q2_K = 10,

    /// <summary>Super-blocks of 256: 3-bit values, 6-bit scales per 16.</summary>
    Q3_K = 11,

    /// <summary>Super-blocks of 256: 4-bit values, 6-bit scales and minima per 32.</summary>
    Q4_K = 12,

    /// <summary>Super-blocks of 256: 5-bit values, 6-bit scales and minima per 32.</summary>
    Q5_K = 13,

    /// <summary>Super-blocks of 256: 6-bit values, 8-bit scales per 16.</summary>
    Q6_K = 14,

    /// <summary>Super-blocks of 256 with a float scale; activations only.</summary>
    Q8_K = 15,

    /// <summary>2.06 bits per weight, grid-coded.</summary>
    IQ2_XXS = 16,

    /// <summary>2.31 bits per weight, grid-coded.</summary>
    IQ2_XS = 17,

    /// <summary>3.06 bits per weight, grid-coded.</summary>
    IQ3_XXS = 18,

    /// <summary>1.56 bits per weight, grid-coded.</summary>
    IQ1_S = 19,

    /// <summary>Blocks of 32: half scale, 4-bit indices into a table of 16 values.</summary>
    IQ4_NL = 20,

    /// <summary>3.44 bits per weight, grid-coded.</summary>
    IQ3_S = 21,

    /// <summary>2.56 bits per weight, grid-coded.</summary>
    IQ2_S = 22,

    /// <summary>Super-blocks of 256: 4-bit table indices, 6-bit scales per 32.</summary>
    IQ4_XS = 23,

    /// <summary>8-bit integer.</summary>
    I8 = 24,

    /// <summary>16-bit integer.</summary>
    I16 = 25,

    /// <summary>32-bit integer.</summary>
    I32 = 26,

    /// <summary>64-bit integer.</summary>
    I64 = 27,

    /// <summary>64-bit IEEE float.</summary>
    F64 = 28,

    /// <summary>1.75 bits per weight, grid-coded.</summary>
    IQ1_M = 29,

    /// <summary>The upper half of a 32-bit float.</summary>
    BF16 = 30,

    /// <summary>Ternary, 1.69 bits per weight.</summary>
    TQ1_0 = 34,

    /// <summary>Ternary, 2.06 bits per weight.</summary>
    TQ2_0 = 35,

    /// <summary>Blocks of 32: power-of-two scale, 4-bit floats (OCP microscaling).</summary>
    MXFP4 = 39,

    /// <summary>Blocks of 64: four 8-bit float scales, 4-bit floats.</summary>
    NVFP4 = 40,

    /// <summary>Blocks of 128: half scale, one sign bit per weight.</summary>
    Q1_0 = 41,

    /// <summary>Blocks of 64: half scale, 2-bit values.</summary>
    Q2_0 = 42,
}

/// <summary>Block sizes of <see cref="TensorType"/>.</summary>
public static class TensorTypes
{
    /// <summary>Elements per block; 1 for plain types, 0 for an id that is not a type.</summary>
    public static int BlockLength(this TensorType type) => Format.Find(type)?.BlockLength ?? 0;

    /// <summary>Bytes per block; 0 for an id that is not a type.</summary>
    public static int BlockBytes(this TensorType type) => Format.Find(type)?.BlockBytes ?? 0;

    /// <summary>Bytes that <paramref name="elements"/> values take; a multiple of the block length is expected.</summary>
    public static long ByteCount(this TensorType type, long elements) => elements / type.BlockLength() * type.BlockBytes();

    /// <summary>True for types whose blocks share a scale (everything but plain floats and integers).</summary>
    public static bool IsQuantized(this TensorType type) => Format.Find(type) is { IsQuantized: true };
}
