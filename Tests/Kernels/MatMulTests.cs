using TinyMllm.Engine;
using TinyMllm.Kernels;
using TinyMllm.Kernels.Formats;
using TinyMllm.Kernels.MatMul;
using TinyMllm.Kernels.Quantization;
using TinyMllm.Tests.Support;

namespace TinyMllm.Tests.Kernels;

/// <summary>Every leaf of every format, every tile and remainder, against <see cref="MatMulScalar"/>.</summary>
[TestFixture]
public sealed unsafe class MatMulTests
{
    // Whole panels, an odd one, and a last one that is partly empty.
    private const int Outputs = 88;

    private static readonly TensorType[] Types = [.. Formats.All.Where(format => format.HasKernel).Select(format => format.Type)];

    private static readonly TensorType[] IntegerTypes = [.. Types.Where(type => PanelKernel.For(type)!.IsInteger)];

    private static readonly int[] RowCounts = [1, 2, 3, 4, 5, 8, 13, 16];

    private static IReadOnlyList<Isa> Isas => Isa.Supported;

    [Test]
    public void EveryLeafIsTheOracle([ValueSource(nameof(Isas))] Isa isa, [ValueSource(nameof(Types))] TensorType type, [ValueSource(nameof(RowCounts))] int rows)
    {
        // The last length is more than a pass of a tile unpacks.
        int block = type.BlockLength();
        foreach (int inputs in block == 256 ? new[] { 256, 2304 } : block > 1 ? new[] { block, 3 * block, 2048 + (3 * block) } : new[] { 1, 7, 33, 515 })
            Check(isa, type, rows, inputs, KernelData.Uniform(Outputs * inputs, 1), KernelData.Uniform(rows * inputs, rows));
    }

    /// <summary>The largest weights with the largest activations: sums of 16 bits reach their bounds, products of bytes must not saturate.</summary>
    [Test]
    public void ExtremesDoNotOverflow([ValueSource(nameof(Isas))] Isa isa, [ValueSource(nameof(IntegerTypes))] TensorType type)
    {
        const int inputs = 512, rows = 5;
        float[] weights = new float[Outputs * inputs], x = new float[rows * inputs];
        for (int i = 0; i < weights.Length; i++) weights[i] = Sign(i / inputs % 4, i % inputs);
        for (int i = 0; i < x.Length; i++) x[i] = Sign(i / inputs % 4, i % inputs);
        Check(isa, type, rows, inputs, weights, x);
        Check(isa, type, 1, inputs, weights, x[..inputs]);

        static float Sign(int pattern, int k) => pattern switch { 0 => 1, 1 => -1, 2 => (k & 1) == 0 ? 1 : -1, _ => (k & 2) == 0 ? 1 : -1 };
    }

    [Test]
    public void PanelsAloneAndTogetherGiveTheSameBits([ValueSource(nameof(Isas))] Isa isa, [ValueSource(nameof(Types))] TensorType type, [Values(1, 6)] int rows)
    {
        using var product = new PanelProduct(isa, type, 512, Outputs, KernelData.Uniform(Outputs * 512, 3), KernelData.Uniform(rows * 512, 4), KernelData.Uniform(96, 5));
        float[] together = product.Run();
        Assert.That(product.Run(panelsAtATime: 1), Is.EqualTo(together));
        Assert.That(product.Run(panelsAtATime: 3), Is.EqualTo(together));
    }

    /// <summary>Integer sums are exact, and the float steps come in the same order everywhere.</summary>
    [Test]
    public void AllSetsGiveTheSameBits([ValueSource(nameof(IntegerTypes))] TensorType type, [Values(1, 6)] int rows)
    {
        float[]? first = null;
        foreach (Isa isa in Isa.Supported)
        {
            using var product = new PanelProduct(isa, type, 512, Outputs, KernelData.Uniform(Outputs * 512, 3), KernelData.Uniform(rows * 512, 4), KernelData.Uniform(96, 5));
            float[] y = product.Run();
            first ??= y;
            Assert.That(y, Is.EqualTo(first), isa.Name);
        }
    }

    /// <summary>What 16-bit sums rest on: 32 products of numbers within 16 and within 127, half of them in each integer.</summary>
    [Test]
    public void SmallWeightsLieWithinSixteenOfTheirZeroPoint()
    {
        var formats = Formats.All.Where(format => format is { HasKernel: true, IsQuantized: true }).ToArray();
        Assert.That(formats.Select(format => format.Type), Is.EqualTo(IntegerTypes));
        foreach (Format format in formats)
            if (format.Largest <= 31) Assert.That(Math.Max(format.ZeroPoint, format.Largest - format.ZeroPoint), Is.LessThanOrEqualTo(16), format.Name);
    }

    [Test]
    public void ActivationsAreRoundedAsTheOracleRoundsThem([ValueSource(nameof(Isas))] Isa isa, [Values(32, 96, 2048)] int columns)
    {
        using var scope = new IsaScope(isa);
        float[] x = KernelData.Uniform(2 * columns, columns);
        Array.Clear(x, 0, 32);
        float[] rounded = new float[columns];
        using var memory = new NativeBuffer<byte>(QuantizedRows.ByteCount(2, columns));
        var target = QuantizedRows.Attach(memory.Pointer, 2, columns);
        fixed (float* p = x)
        {
            for (int row = 0; row < 2; row++) ActivationQuantizer.QuantizeRow(p + (row * columns), target, row);
        }

        for (int row = 0; row < 2; row++)
        {
            MatMulScalar.Round(x.AsSpan(row * columns, columns), rounded);
            sbyte* values = target.Values + (row * columns);
            for (int k = 0; k < columns; k++) Assert.That(target.Scales[((row * columns) + k) / 32] * values[k], Is.EqualTo(rounded[k]));
            for (int half = 0; half < columns / 16; half++)
            {
                int pair = target.PairSums[(row * columns / 16) + half], low = 0, high = 0;
                for (int k = 16 * half; k < 16 * (half + 1); k++)
                {
                    if ((k & 2) == 0) low += values[k];
                    else high += values[k];
                }

                Assert.That(((short)pair, pair >> 16), Is.EqualTo(((short)low, high)));
            }
        }
    }

    [Test]
    public void UnknownSetsAreRefused()
    {
        foreach (Isa isa in Enum.GetValues<Isa>().Where(isa => !isa.IsSupported))
        {
            Assert.That(() => PanelKernel.For(TensorType.Q8_0, isa), Throws.TypeOf<UnsupportedIsaException>());
            Assert.That(() => PanelKernel.For(TensorType.F32, isa), Throws.TypeOf<UnsupportedIsaException>());
        }
    }

    /// <summary>Generation and prompt agree: what a row gives does not depend on how many others go with it. (Q6_K goes over a single row in another order.)</summary>
    [Test]
    public void ARowAloneGivesTheSameBits([ValueSource(nameof(Isas))] Isa isa, [ValueSource(nameof(IntegerTypes))] TensorType type)
    {
        if (type == TensorType.Q6_K) return;
        float[] weights = KernelData.Uniform(Outputs * 512, 3), x = KernelData.Uniform(6 * 512, 4), bias = KernelData.Uniform(96, 5);
        using var all = new PanelProduct(isa, type, 512, Outputs, weights, x, bias);
        using var alone = new PanelProduct(isa, type, 512, Outputs, weights, x[512..1024], bias);
        Assert.That(alone.Run(), Is.EqualTo(all.Run()[Outputs..(2 * Outputs)]));
    }

    private static void Check(Isa isa, TensorType type, int rows, int inputs, float[] weights, float[] x)
    {
        using var scope = new IsaScope(isa);
        float[] bias = KernelData.Uniform(96, 5), expected = new float[rows * Outputs], decoded = new float[Outputs * inputs];
        using var product = new PanelProduct(isa, type, inputs, Outputs, weights, x, bias);
        MatMulScalar.Multiply(type, product.Weights, inputs, x, bias, expected);
        TensorCodec.Decode(type, product.Weights, decoded);
        float[] y = product.Run(), twice = product.Run(accumulateOn: y);
        for (int i = 0; i < y.Length; i++)
        {
            int row = i / Outputs, output = i % Outputs;
            double size = Math.Abs(bias[output]);
            for (int k = 0; k < inputs; k++) size += Math.Abs((double)decoded[(output * inputs) + k] * x[(row * inputs) + k]);
            Assert.That(y[i], Is.EqualTo(expected[i]).Within(1e-6 * size), $"{rows}×{inputs} row {row} output {output}");
            Assert.That(twice[i], Is.EqualTo(2 * expected[i]).Within(3e-6 * size), $"{rows}×{inputs} row {row} output {output}, added");
        }
    }

    /// <summary>A product prepared as a layer prepares it: packed weights, rounded activations, start values.</summary>
    private sealed class PanelProduct : IDisposable
    {
        private readonly PanelKernel _kernel;
        private readonly int _inputs, _outputs, _rows;
        private readonly NativeBuffer<byte> _weights, _panels, _quantized;
        private readonly NativeBuffer<float> _x, _sums, _bias;
        private readonly NativeBuffer<int> _starts;
        private readonly PanelArguments _arguments;

        public PanelProduct(Isa isa, TensorType type, int inputs, int outputs, float[] weights, float[] x, float[] bias)
        {
            _kernel = PanelKernel.For(type, isa)!;
            (_inputs, _outputs, _rows) = (inputs, outputs, x.Length / inputs);
            _weights = new NativeBuffer<byte>(type.ByteCount(weights.Length));
            RandomBlocks.Fill(type, weights, _weights.Span);
            long rowBytes = type.ByteCount(inputs), panelBytes = _kernel.PanelBytes(inputs);
            _panels = new NativeBuffer<byte>(panelBytes * Panels, clear: true);
            for (int p = 0; p < Panels; p++)
                _kernel.Pack(_weights.Pointer + (p * 16 * rowBytes), rowBytes, Math.Min(16, outputs - (16 * p)), inputs, _panels.Pointer + (p * panelBytes));
            _x = Copy(x);
            _bias = Copy(bias);
            _quantized = new NativeBuffer<byte>(QuantizedRows.ByteCount(_rows, Math.Max(32, inputs)));
            _starts = new NativeBuffer<int>(_rows * Math.Max(1, inputs / 16));
            _sums = new NativeBuffer<float>(_rows * Math.Max(1, inputs / 16));
            _arguments = new PanelArguments
            {
                Weights = _panels.Pointer, PanelBytes = panelBytes, Inputs = inputs, Outputs = outputs, Rows = _rows, X = _x.Pointer, XStride = inputs, YStride = outputs, Bias = _bias.Pointer,
            };
            if (!_kernel.IsInteger) return;
            var rounded = QuantizedRows.Attach(_quantized.Pointer, _rows, inputs);
            for (int r = 0; r < _rows; r++) ActivationQuantizer.QuantizeRow(_x.Pointer + (r * inputs), rounded, r);
            ActivationQuantizer.Compensate(rounded, _kernel.ZeroPoint, _kernel.PairedSums, _kernel.BlockLength, _starts.Pointer);
            if (_kernel.HasOffset) ActivationQuantizer.ScaledSums(rounded, _kernel.BlockLength, _sums.Pointer);
            _arguments.Quantized = rounded;
            _arguments.Compensations = _starts.Pointer;
            _arguments.ScaledSums = _sums.Pointer;
        }

        /// <summary>The weights as in a file.</summary>
        public ReadOnlySpan<byte> Weights => _weights.Span;

        private int Panels => (_outputs + 15) / 16;

        public float[] Run(int panelsAtATime = int.MaxValue, float[]? accumulateOn = null)
        {
            // What lies behind the result must stay as it is.
            float[] y = new float[(_rows * _outputs) + 16];
            Array.Fill(y, 123);
            accumulateOn?.CopyTo(y, 0);
            fixed (float* p = y)
            {
                PanelArguments arguments = _arguments;
                arguments.Y = p;
                arguments.Accumulate = accumulateOn is not null;
                for (int first = 0; first < Panels; first += Math.Min(panelsAtATime, Panels))
                    _kernel.Run(&arguments, first, Math.Min(panelsAtATime, Panels - first));
            }

            Assert.That(y[^16..], Has.All.EqualTo(123f));
            return y[..^16];
        }

        public void Dispose()
        {
            foreach (IDisposable buffer in new IDisposable[] { _weights, _panels, _quantized, _x, _sums, _bias, _starts }) buffer.Dispose();
        }

        private static NativeBuffer<float> Copy(float[] values)
        {
            var buffer = new NativeBuffer<float>(values.Length);
            values.CopyTo(buffer.Span);
            return buffer;
        }
    }
}
