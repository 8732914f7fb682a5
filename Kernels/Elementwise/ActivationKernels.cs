using System.Runtime.CompilerServices;
using TinyMllm.Kernels.Simd;

namespace TinyMllm.Kernels.Elementwise;

/// <summary>
/// y = act(x) and y = act(gate) ⊙ up over rows of floats. One loop, specialised for every pair of activation and vector width;
/// the tail shorter than a vector goes through a padded buffer, so every element takes the same arithmetic.
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
            case Activation.None: Widest<Identity>(x, up, y, count); break;
            case Activation.GeluTanh: Widest<GeluTanh>(x, up, y, count); break;
            case Activation.GeluErf: Widest<GeluErf>(x, up, y, count); break;
            case Activation.GeluQuick: Widest<GeluQuick>(x, up, y, count); break;
            case Activation.Silu: Widest<Silu>(x, up, y, count); break;
            case Activation.Relu: Widest<Relu>(x, up, y, count); break;
            case Activation.ReluSquared: Widest<ReluSquared>(x, up, y, count); break;
            case Activation.HardSwish: Widest<HardSwish>(x, up, y, count); break;
            case Activation.HardSigmoid: Widest<HardSigmoid>(x, up, y, count); break;
            case Activation.Sigmoid: Widest<LogisticSigmoid>(x, up, y, count); break;
            case Activation.Softplus: Widest<Softplus>(x, up, y, count); break;
            default: throw new ArgumentOutOfRangeException(nameof(activation), activation, "unknown activation");
        }
    }

    private static void Widest<TActivation>(float* x, float* up, float* y, int count)
        where TActivation : struct, IActivation
    {
        if (Isa.Current.Lanes == 16) Loop<TActivation, Float16>(x, up, y, count);
        else if (Isa.Current.Lanes == 8) Loop<TActivation, Float8>(x, up, y, count);
        else Loop<TActivation, Float4>(x, up, y, count);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Loop<TActivation, T>(float* x, float* up, float* y, int count)
        where TActivation : struct, IActivation
        where T : unmanaged, IFloatLanes<T>
    {
        int i = 0;
        if (up == null)
        {
            for (; i <= count - T.Count; i += T.Count) T.Store(TActivation.Apply(T.Load(x + i)), y + i);
        }
        else
        {
            for (; i <= count - T.Count; i += T.Count) T.Store(TActivation.Apply(T.Load(x + i)) * T.Load(up + i), y + i);
        }

        if (i == count) return;
        float* tail = stackalloc float[2 * T.Count];
        for (int j = 0; j < 2 * T.Count; j++) tail[j] = 0;
        for (int j = i; j < count; j++)
        {
            tail[j - i] = x[j];
            tail[T.Count + j - i] = up == null ? 1 : up[j];
        }

        T.Store(TActivation.Apply(T.Load(tail)) * T.Load(tail + T.Count), tail);
        for (int j = i; j < count; j++) y[j] = tail[j - i];
    }
}
