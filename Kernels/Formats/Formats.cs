using TinyMllm.Kernels.Quantization;

namespace TinyMllm.Kernels.Formats;

/// <summary>
/// The table of formats. A format is a file of this folder and a row here: block length, byte size, decoding, encoding, validation, the
/// kernel of each instruction set, its peak, the names of the command line and the lists of the tests follow from the row.
/// docs/formats/quantization.md#adding-a-format says how to add one.
/// </summary>
internal static class Formats
{
    /// <summary>All formats, by id.</summary>
    public static IReadOnlyList<Format> All { get; } =
    [
        Format.Float<F32, uint>(TensorType.F32),
        Format.Float<F16, ushort>(TensorType.F16),
        Format.Encoded<Q4_0, PanelQ4_0>(TensorType.Q4_0),
        Format.Encoded<Q4_1, PanelQ4_1>(TensorType.Q4_1),
        Format.Encoded<Q5_0, PanelQ5_0>(TensorType.Q5_0),
        Format.Encoded<Q5_1, PanelQ5_1>(TensorType.Q5_1),
        Format.Encoded<Q8_0, PanelQ8_0>(TensorType.Q8_0),
        Format.Encoded<Q8_1>(TensorType.Q8_1),
        Format.Encoded<Q2_K, PanelQ2_K>(TensorType.Q2_K),
        Format.Encoded<Q3_K, PanelQ3_K>(TensorType.Q3_K),
        Format.Encoded<Q4_K, PanelQ4_K>(TensorType.Q4_K),
        Format.Encoded<Q5_K, PanelQ5_K>(TensorType.Q5_K),
        Format.Encoded<Q6_K, PanelQ6_K, SixBitUnit>(TensorType.Q6_K),
        Format.Encoded<Q8_K>(TensorType.Q8_K),
        Format.Stored<IQ2_XXS, PanelGrid<IQ2_XXS>>(TensorType.IQ2_XXS),
        Format.Stored<IQ2_XS, PanelGrid<IQ2_XS>>(TensorType.IQ2_XS),
        Format.Stored<IQ3_XXS, PanelGrid<IQ3_XXS>>(TensorType.IQ3_XXS),
        Format.Stored<IQ1_S, PanelGrid<IQ1_S>>(TensorType.IQ1_S),
        Format.Encoded<IQ4_NL, PanelIQ4_NL>(TensorType.IQ4_NL),
        Format.Stored<IQ3_S, PanelGrid<IQ3_S>>(TensorType.IQ3_S),
        Format.Stored<IQ2_S, PanelGrid<IQ2_S>>(TensorType.IQ2_S),
        Format.Encoded<IQ4_XS, PanelIQ4_XS>(TensorType.IQ4_XS),
        Format.Number<sbyte>(TensorType.I8),
        Format.Number<short>(TensorType.I16),
        Format.Number<int>(TensorType.I32),
        Format.Number<long>(TensorType.I64),
        Format.Number<double>(TensorType.F64),
        Format.Stored<IQ1_M, PanelGrid<IQ1_M>>(TensorType.IQ1_M),
        Format.Float<BF16, ushort>(TensorType.BF16),
        Format.Encoded<TQ1_0, PanelTQ1_0>(TensorType.TQ1_0),
        Format.Encoded<TQ2_0, PanelTQ2_0>(TensorType.TQ2_0),
        Format.Encoded<MXFP4, PanelMXFP4>(TensorType.MXFP4),
        Format.Encoded<NVFP4, PanelNVFP4>(TensorType.NVFP4),
        Format.Encoded<Q1_0, PanelQ1_0>(TensorType.Q1_0),
        Format.Encoded<Q2_0, PanelQ2_0>(TensorType.Q2_0),
    ];
}
