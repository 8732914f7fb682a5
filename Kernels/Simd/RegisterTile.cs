namespace TinyMllm.Kernels.Simd;

/// <summary>Rows × panels of 16 columns whose sums an instruction set has registers for while a product goes along k.</summary>
/// <param name="Rows">1, 2, 4 or 8; what remains of the rows goes by smaller tiles.</param>
/// <param name="Panels">1 or 2, where there are as many.</param>
internal readonly record struct RegisterTile(int Rows, int Panels);
