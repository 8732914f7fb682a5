using TinyMllm.Engine;
using TinyMllm.Engine.Decoding;

namespace TinyMllm.Tests.Engine.Decoding;

/// <summary>
/// Recurrent mixers against their formulas (docs/models/text.md#gated-delta-net, #mamba-2), written out per token, head and channel in
/// double precision.
/// </summary>
public unsafe class StateSpaceTests
{
    private const int Tokens = 9, Taps = 4;
    private static readonly WeightOptions Exact = new() { Activations = ActivationPrecision.Float32 };

    [Test]
    public void Mamba2IsItsFormula()
    {
        const int n = 16, channels = 32, heads = 4, groups = 2, states = 16, width = channels / heads, convolved = channels + (2 * groups * states);
        using var t = new TestTensors();
        StoredTensor input = t.Random(n, channels + convolved + heads), kernel = t.Random(Taps, convolved), bias = t.Random(convolved);
        StoredTensor stepBias = t.Random(heads), rates = t.Scaled(0.4f, -0.6f, heads), skip = t.Random(heads), norm = t.Scaled(0.2f, 1, channels);
        StoredTensor output = t.Random(channels, n);
        var mixer = new StateSpaceDuality
        {
            Input = Linear.Create(Exact, input),
            Convolution = Convolution(kernel, bias),
            TimeStepBias = FloatWeights.Read(stepBias),
            Rates = FloatWeights.Read(rates),
            Skip = FloatWeights.Read(skip),
            Norm = new RmsNorm(norm, 1e-5f),
            Output = Linear.Create(Exact, output),
            Groups = groups,
            StateSize = states,
        };

        float[] a = TestTensors.Values(rates), d = TestTensors.Values(skip), w = TestTensors.Values(norm), db = TestTensors.Values(stepBias);
        double[,,] s = new double[heads, width, states];
        var history = new List<float[]>();
        Check(mixer, t.Rows(Tokens, n), x =>
        {
            float[] all = TestTensors.Product(input, x);
            double[] xbc = Convolve(history, all[channels..(channels + convolved)], kernel, bias);
            double[] y = new double[channels];
            for (int h = 0; h < heads; h++)
            {
                int group = h / (heads / groups);
                double delta = Math.Log(1 + Math.Exp(all[channels + convolved + h] + db[h]));
                for (int p = 0; p < width; p++)
                {
                    double value = xbc[(h * width) + p], sum = d[h] * value;
                    for (int k = 0; k < states; k++)
                    {
                        s[h, p, k] = (s[h, p, k] * Math.Exp(delta * a[h])) + (xbc[channels + (group * states) + k] * delta * value);
                        sum += s[h, p, k] * xbc[channels + (groups * states) + (group * states) + k];
                    }

                    y[(h * width) + p] = sum * Silu(all[(h * width) + p]);
                }
            }

            return TestTensors.Product(output, Rms(y, channels / groups, w));
        });
    }

    /// <summary>Short queries and keys show which form their division by the length has; an ε of 0.5 makes all of them short.</summary>
    [Test]
    public void GatedDeltaNetIsItsFormula([Values] bool clampsLengths, [Values(1e-6f, 0.5f)] float epsilon)
    {
        const int n = 16, size = 16, keyHeads = 2, valueHeads = 4, keys = size * keyHeads, values = size * valueHeads, convolved = (2 * keys) + values;
        using var t = new TestTensors(3);
        StoredTensor qkv = t.Random(n, convolved), gate = t.Random(n, values), beta = t.Random(n, valueHeads), alpha = t.Random(n, valueHeads);
        StoredTensor kernel = t.Random(Taps, convolved), decayBias = t.Random(valueHeads), rates = t.Scaled(0.4f, -0.6f, valueHeads);
        StoredTensor norm = t.Scaled(0.2f, 1, size), output = t.Random(values, n);
        var mixer = new GatedDeltaNet
        {
            Input = Linear.Fuse(Exact, (qkv, null), (gate, null), (beta, null), (alpha, null)),
            Convolution = Convolution(kernel, null),
            DecayBias = FloatWeights.Read(decayBias),
            Rates = FloatWeights.Read(rates),
            Norm = new RmsNorm(norm, 1e-5f),
            Output = Linear.Create(Exact, output),
            KeyHeads = keyHeads,
            ValueHeads = valueHeads,
            HeadSize = size,
            Epsilon = epsilon,
            ClampsLengths = clampsLengths,
        };

        float[] a = TestTensors.Values(rates), bias = TestTensors.Values(decayBias);
        float[] w = [.. Enumerable.Repeat(TestTensors.Values(norm), valueHeads).SelectMany(value => value)];
        double[,,] m = new double[valueHeads, size, size];
        var history = new List<float[]>();
        Check(mixer, t.Rows(Tokens, n), x =>
        {
            double[] u = Convolve(history, TestTensors.Product(qkv, x), kernel, null);
            float[] z = TestTensors.Product(gate, x), b = TestTensors.Product(beta, x), al = TestTensors.Product(alpha, x);
            double[] y = new double[values];
            for (int h = 0; h < valueHeads; h++)
            {
                double[] q = Unit(u, h % keyHeads * size, size, clampsLengths, epsilon);
                double[] k = Unit(u, keys + (h % keyHeads * size), size, clampsLengths, epsilon);
                double decay = Math.Exp(a[h] * Math.Log(1 + Math.Exp(al[h] + bias[h]))), strength = 1 / (1 + Math.Exp(-b[h]));
                for (int j = 0; j < size; j++)
                {
                    double known = 0, read = 0;
                    for (int i = 0; i < size; i++) known += k[i] * (m[h, i, j] *= decay);
                    double error = (u[(2 * keys) + (h * size) + j] - known) * strength;
                    for (int i = 0; i < size; i++) read += q[i] / Math.Sqrt(size) * (m[h, i, j] += k[i] * error);
                    y[(h * size) + j] = read;
                }
            }

            float[] normed = Rms(y, size, w);
            for (int i = 0; i < values; i++) normed[i] *= (float)Silu(z[i]);
            return TestTensors.Product(output, normed);
        });
    }

    private static CausalConvolutionLayer Convolution(StoredTensor kernel, StoredTensor? bias)
    {
        var layer = new CausalConvolutionLayer(kernel, bias);
        layer.Load();
        return layer;
    }

    /// <summary>Runs the tokens in chunks of 5, 1 and 3, so that the state is carried over, and compares every row.</summary>
    private static void Check(ITokenMixer mixer, Matrix x, Func<float[], float[]> formula)
    {
        using var pool = new WorkerPool(2);
        using var workspace = new Workspace(pool);
        using var cache = new KvCache([mixer.CacheShape], 64, KvType.F32);
        using var frame = workspace.Frame();
        var y = workspace.Rent(x.Rows, x.Columns);
        int first = 0;
        foreach (int count in new[] { 5, 1, 3 })
        {
            var pass = new DecoderPass(workspace, count, null, null, null);
            mixer.Forward(pass, cache[0], x.Slice(first, count), y.Slice(first, count), add: false);
            cache.Advance(count);
            first += count;
        }

        for (int i = 0; i < x.Rows; i++) Assert.That(y.RowSpan(i).ToArray(), Is.EqualTo(formula(x.RowSpan(i).ToArray())).Within(2e-5), $"token {i}");
    }

    private static double[] Convolve(List<float[]> history, float[] row, StoredTensor kernel, StoredTensor? bias)
    {
        history.Add(row);
        float[] w = TestTensors.Values(kernel), b = bias is null ? new float[row.Length] : TestTensors.Values(bias);
        double[] y = new double[row.Length];
        for (int c = 0; c < row.Length; c++)
        {
            double sum = b[c];
            for (int j = 0; j < Taps; j++)
            {
                int t = history.Count - Taps + j;
                if (t >= 0) sum += w[(c * Taps) + j] * (double)history[t][c];
            }

            y[c] = Silu(sum);
        }

        return y;
    }

    private static double Silu(double x) => x / (1 + Math.Exp(-x));

    private static double[] Unit(double[] values, int first, int count, bool clampsLength, double epsilon)
    {
        double[] part = values[first..(first + count)];
        double square = part.Sum(v => v * v), length = clampsLength ? Math.Max(Math.Sqrt(square), epsilon) : Math.Sqrt(square + epsilon);
        return [.. part.Select(v => v / length)];
    }

    private static float[] Rms(double[] values, int width, float[] weight)
    {
        float[] y = new float[values.Length];
        for (int i = 0; i < values.Length; i++)
        {
            double[] group = values[(i / width * width)..((i / width * width) + width)];
            y[i] = (float)(values[i] / Math.Sqrt((group.Sum(v => v * v) / width) + 1e-5) * weight[i]);
        }

        return y;
    }
}
