namespace TinyMllm.Kernels.Elementwise;

/// <summary>The nonlinear functions of feed-forward networks and projectors.</summary>
public enum Activation
{
    /// <summary>x.</summary>
    None,

    /// <summary>½·x·(1 + tanh(√(2/π)·(x + 0.044715·x³))), Hendrycks and Gimpel 2016, evaluated in float32.</summary>
    GeluTanh,

    /// <summary>½·x·(1 + erf(x/√2)).</summary>
    GeluErf,

    /// <summary>x·σ(1.702·x), CLIP's form.</summary>
    GeluQuick,

    /// <summary>x·σ(x), also called swish.</summary>
    Silu,

    /// <summary>max(x, 0).</summary>
    Relu,

    /// <summary>max(x, 0)².</summary>
    ReluSquared,

    /// <summary>x·clamp((x + 3)/6, 0, 1), MobileNetV3.</summary>
    HardSwish,

    /// <summary>clamp((x + 3)/6, 0, 1).</summary>
    HardSigmoid,

    /// <summary>1/(1 + e^−x).</summary>
    Sigmoid,

    /// <summary>ln(1 + e^x), a smooth max(x, 0).</summary>
    Softplus,
}
