namespace TinyMllm;

/// <summary>Whose arithmetic is followed where llama.cpp is known to depart from the original model (docs/fidelity.md).</summary>
public enum Compatibility
{
    /// <summary>The original model's, which the weights were trained for.</summary>
    Original,

    /// <summary>llama.cpp's of July 2026, for comparison with it.</summary>
    LlamaCpp,
}
