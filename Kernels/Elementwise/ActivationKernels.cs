using System.Runtime.CompilerServices;
using TinyMllm.Kernels.Simd;

namespace TinyMllm.Kernels.Elementwise;

/// <summary>
/// y = act(x) and y = act(gate) ⊙ up over rows of floats. One loop, specialised for every pair of activation and vector width; every element takes the same arithmetic.
/// </summary>
public static unsafe class ActivationKernels
{
    /// <summary>y[i] = act(x[i]), i &lt; <paramref name="count"/>; y may be x.</summary>
    public static void Apply(Activation activation, float* x, float* y, int count)
    {
        switch (activation)
        {
            case Activation.None:
                if (x != y) Buffer.MemoryCopy(x, y, count * sizeof(float), count * sizeof(float));
                break;
            default:
                Dispatch(activation, x, null, y, count);
                break;
        }
    }

    /// <summary>y[i] = act(gate[i]) · up[i], i &lt; <paramref name="count"/>; y may be gate or up.</summary>
    public static void ApplyGated(Activation activation, float* gate, float* up, float* y, int count) => Dispatch(activation, gate, up, y, count);

    /// <summary>The scalar oracle: act(x) in double precision.</summary>
    public static double Scalar(Activation activation, double x) => activation switch
    {
        Activation.None => x,
        Activation.GeluTanh => 0.5 * x * (1 + Math.Tanh(Math.Sqrt(2 / Math.PI) * x * (1 + (0.044715 * x * x)))),
        Activation.GeluErf => 0.5 * x * (1 + ErfSeries(x / Math.Sqrt(2))),
        Activation.GeluQuick => x / (1 + Math.Exp(-1.702 * x)),
        Activation.Silu => x / (1 + Math.Exp(-x)),
        Activation.Relu => Math.Max(x, 0),
        Activation.ReluSquared => Math.Max(x, 0) * Math.Max(x, 0),
        Activation.HardSwish => x * Math.Clamp((x + 3) / 6, 0, 1),
        Activation.HardSigmoid => Math.Clamp((x + 3) / 6, 0, 1),
        Activation.Sigmoid => 1 / (1 + Math.Exp(-x)),
        Activation.Softplus => Math.Max(x, 0) + Math.Log(1 + Math.Exp(-Math.Abs(x))),
        _ => throw new ArgumentOutOfRangeException(nameof(activation)),
    };

    private static double ErfSeries(double x)
    {
        // 2/√π · Σ (−1)^n x^(2n+1) / (n! (2n+1)); beyond 5 erf is ±1 to double precision's last bits.
        if (Math.Abs(x) > 5) return Math.Sign(x);
        double term = x, sum = x;
        for (int n = 1; n < 200; n++)
        {
            term *= -x * x / n;
            sum += term / ((2 * n) + 1);
        }

        return 2 / Math.Sqrt(Math.PI) * sum;
    }

    private static void Dispatch(Activation activation, float* x, float* up, float* y, int count)
    {
        switch (activation)
        {
            case Activation.None: Run<Identity>(x, up, y, count); break;
            case Activation.GeluTanh: Run<GeluTanh>(x, up, y, count); break;
            case Activation.GeluErf: Run<GeluErf>(x, up, y, count); break;
            case Activation.GeluQuick: Run<GeluQuick>(x, up, y, count); break;
            case Activation.Silu: Run<Silu>(x, up, y, count); break;
            case Activation.Relu: Run<Relu>(x, up, y, count); break;
            case Activation.ReluSquared: Run<ReluSquared>(x, up, y, count); break;
            case Activation.HardSwish: Run<HardSwish>(x, up, y, count); break;
            case Activation.HardSigmoid: Run<HardSigmoid>(x, up, y, count); break;
            case Activation.Sigmoid: Run<LogisticSigmoid>(x, up, y, count); break;
            case Activation.Softplus: Run<Softplus>(x, up, y, count); break;
            default: throw new ArgumentOutOfRangeException(nameof(activation), activation, "unknown activation");
        }
    }

    private static void Run<TActivation>(float* x, float* up, float* y, int count)
        where TActivation : struct, IActivation
    {
        if (up == null) VectorLoop.Run(new Plain<TActivation>(x, y), count);
        else VectorLoop.Run(new Gated<TActivation>(x, up, y), count);
    }

    private readonly struct Plain<TActivation>(float* x, float* y) : IVectorBody
        where TActivation : struct, IActivation
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void Invoke<T>(nint i)
            where T : unmanaged, IMathLanes<T> => T.Store(TActivation.Apply(T.Load(x + i)), y + i);
    }

    private readonly struct Gated<TActivation>(float* gate, float* up, float* y) : IVectorBody
        where TActivation : struct, IActivation
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void Invoke<T>(nint i)
            where T : unmanaged, IMathLanes<T> => T.Store(TActivation.Apply(T.Load(gate + i)) * T.Load(up + i), y + i);
    }
}
