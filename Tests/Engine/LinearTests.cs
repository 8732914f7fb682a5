using TinyMllm.Kernels.Formats;
using TinyMllm.Kernels.Quantization;
using TinyMllm.Tests.Support;

namespace TinyMllm.Tests.Engine;

/// <summary>Every weight format and row count against the decoded weights in double precision.</summary>
[TestFixture]
public unsafe class LinearTests
{
    private static readonly TensorType[] Types = [.. Formats.All.Where(format => format.HasKernel).Select(format => format.Type)];

    private static readonly int[] RowCounts = [1, 2, 3, 4, 5, 8, 13, 16];

    [Test]
    public void MatchesDecodedWeights([ValueSource(nameof(Types))] TensorType type, [ValueSource(nameof(RowCounts))] int rows)
    {
        foreach (int inputs in type.BlockLength() is > 1 and < 256 ? new[] { 1, 3, 18, 65 }.Select(blocks => blocks * type.BlockLength()) : new[] { 256, 2304 })
        {
            // 40 outputs: two whole panels and a half one.
            Check(type, rows, inputs, outputs: 40);
        }
    }

    [Test]
    public void FloatTypesTakeAnyWidth([Values(1, 7, 33, 515)] int inputs, [Values(1, 4, 9)] int rows, [Values(TensorType.F32, TensorType.F16, TensorType.BF16)] TensorType type) =>
        Check(type, rows, inputs, outputs: 19);

    [Test]
    public void FusedPartsEqualSeparateOnes([Values(1, 6)] int rows)
    {
        const int inputs = 256;
        using var pool = new WorkerPool(2);
        using var workspace = new Workspace(pool);
        using var a = new RandomWeight(TensorType.Q8_0, inputs, 40, 1);
        using var b = new RandomWeight(TensorType.Q4_K, inputs, 16, 2);
        using var c = new RandomWeight(TensorType.F16, inputs, 5, 3);
        using var fused = Linear.Fuse(WeightOptions.Default, (a.Tensor, null), (b.Tensor, null), (c.Tensor, null));
        Matrix x = RandomMatrix(workspace, rows, inputs), y = workspace.Rent(rows, fused.Outputs);
        fused.Forward(workspace, x, y);
        int column = 0;
        foreach (var weight in new[] { a, b, c })
        {
            using var single = Linear.Create(WeightOptions.Default, weight.Tensor);
            Matrix part = workspace.Rent(rows, single.Outputs);
            single.Forward(workspace, x, part);
            for (int r = 0; r < rows; r++) Assert.That(y.SliceColumns(column, single.Outputs).RowSpan(r).ToArray(), Is.EqualTo(part.RowSpan(r).ToArray()));
            column += single.Outputs;
        }
    }

    [Test]
    public void ThreadCountDoesNotChangeABit([Values(1, 3, 17)] int rows, [Values(TensorType.Q8_0, TensorType.Q4_0, TensorType.F16)] TensorType type)
    {
        const int inputs = 512;
        using var weight = new RandomWeight(type, inputs, 200, 4);
        using var layer = Linear.Create(WeightOptions.Default, weight.Tensor);
        float[]? first = null;
        foreach (int threads in new[] { 1, 2, 3 })
        {
            using var pool = new WorkerPool(threads);
            using var workspace = new Workspace(pool);
            Matrix x = RandomMatrix(workspace, rows, inputs), y = workspace.RentDense(rows, 200);
            layer.Forward(workspace, x, y);
            float[] all = new Span<float>(y.Data, rows * 200).ToArray();
            first ??= all;
            Assert.That(all, Is.EqualTo(first));
        }
    }

    /// <summary>Whichever way a matrix is packed, the first block that is not finite is found in it.</summary>
    [Test]
    public void PackingFindsWhatIsNotFinite([ValueSource(nameof(Types))] TensorType type, [Values] ActivationPrecision precision)
    {
        const int inputs = 512, outputs = 200;
        var options = new WeightOptions { Activations = precision };
        using var weight = new RandomWeight(type, inputs, outputs, 6);
        Linear.Create(options, weight.Tensor).Dispose();
        Assert.That(weight.Tensor.InvalidBlock, Is.EqualTo(-1));
        long perRow = inputs / type.BlockLength();
        foreach ((int row, long block) in new[] { (199, perRow - 1), (131, 0), (130, perRow / 2), (17, 0) })
        {
            weight.Spoil((row * perRow) + block);
            Linear.Create(options, weight.Tensor.RowRange(100, 100)).Dispose();
            Linear.Create(options, weight.Tensor).Dispose();
            Assert.That(weight.Tensor.InvalidBlock, Is.EqualTo((row * perRow) + block), $"row {row}");
        }
    }

    [Test]
    public void ARowRangeTellsTheWholeTensor()
    {
        using var weight = new RandomWeight(TensorType.Q8_0, 64, 100, 7);
        weight.Spoil((70 * 2) + 1);
        Linear.Create(WeightOptions.Default, weight.Tensor.RowRange(0, 70)).Dispose();
        Assert.That(weight.Tensor.InvalidBlock, Is.EqualTo(-1), "these rows are in order");
        Linear.Create(WeightOptions.Default, weight.Tensor.RowRange(64, 36)).Dispose();
        Assert.That(weight.Tensor.InvalidBlock, Is.EqualTo(141));
    }

    [TestCase(TensorType.F32)]
    [TestCase(TensorType.F16)]
    [TestCase(TensorType.BF16)]
    public void RequantisingAndNormsFindWhatIsNotFinite(TensorType type)
    {
        using var weight = new RandomWeight(type, 256, 40, 8);
        weight.Spoil((33 * 256) + 5);
        Linear.Create(new WeightOptions { Requantize = TensorType.Q4_0 }, weight.Tensor).Dispose();
        Assert.That(weight.Tensor.InvalidBlock, Is.EqualTo((33 * 256) + 5));
        using var norm = new RandomWeight(type, 256, 1, 9);
        norm.Spoil(255);
        new RmsNorm(norm.Tensor, 1e-5f).Dispose();
        Assert.That(norm.Tensor.InvalidBlock, Is.EqualTo(255));
    }

    private static void Check(TensorType type, int rows, int inputs, int outputs)
    {
        using var pool = new WorkerPool(2);
        using var workspace = new Workspace(pool);
        using var weight = new RandomWeight(type, inputs, outputs, seed: inputs + rows);
        using var bias = new RandomWeight(TensorType.F32, outputs, 1, seed: 9);
        Matrix x = RandomMatrix(workspace, rows, inputs);
        foreach (var precision in new[] { ActivationPrecision.Integer, ActivationPrecision.Float32 })
        {
            using var layer = Linear.Create(new WeightOptions { Activations = precision }, weight.Tensor, bias.Tensor);
            Matrix y = workspace.Rent(rows, outputs);
            layer.Forward(workspace, x, y);
            Matrix twice = workspace.Rent(rows, outputs);
            y.CopyTo(twice);
            layer.Forward(workspace, x, twice, add: true);
            bool integer = precision == ActivationPrecision.Integer && type.IsQuantized();
            for (int r = 0; r < rows; r++)
            {
                for (int o = 0; o < outputs; o++)
                {
                    // The exact value, how large the sum could get, and how much rounding x to 8 bits can move it.
                    double sum = bias.Values[o], size = Math.Abs(sum), rounding = 0;
                    for (int block = 0; block < inputs; block += 32)
                    {
                        double max = 0;
                        int end = Math.Min(inputs, block + 32);
                        for (int k = block; k < end; k++) max = Math.Max(max, Math.Abs(x.Row(r)[k]));
                        for (int k = block; k < end; k++)
                        {
                            double w = weight.Values[(o * inputs) + k];
                            sum += w * x.Row(r)[k];
                            size += Math.Abs(w * x.Row(r)[k]);
                            rounding += Math.Abs(w) * max / 127 * 0.501;
                        }
                    }

                    double tolerance = (2e-6 * size) + (integer ? rounding : 0);
                    Assert.That(y.Row(r)[o], Is.EqualTo(sum).Within(tolerance), $"{type} {precision} {rows}×{inputs} row {r} output {o}");
                    Assert.That(twice.Row(r)[o], Is.EqualTo(2 * y.Row(r)[o]).Within(1e-5 * size));
                }
            }

            if (integer) AssertRoundingIsUnbiased(x, y, weight, bias, inputs, outputs);
        }
    }

    /// <summary>The worst-case bound above is wide; a missing start value or a swapped scale would show in the mean error, which rounding leaves far smaller.</summary>
    private static void AssertRoundingIsUnbiased(Matrix x, Matrix y, RandomWeight weight, RandomWeight bias, int inputs, int outputs)
    {
        double squared = 0, expected = 0;
        for (int r = 0; r < x.Rows; r++)
        {
            for (int o = 0; o < outputs; o++)
            {
                double sum = bias.Values[o];
                for (int block = 0; block < inputs; block += 32)
                {
                    double max = 0, weights = 0;
                    for (int k = block; k < block + 32; k++)
                    {
                        max = Math.Max(max, Math.Abs(x.Row(r)[k]));
                        sum += (double)weight.Values[(o * inputs) + k] * x.Row(r)[k];
                        weights += Math.Pow(weight.Values[(o * inputs) + k], 2);
                    }

                    expected += weights * Math.Pow(max / 127, 2) / 12;
                }

                squared += Math.Pow(y.Row(r)[o] - sum, 2);
            }
        }

        Assert.That(squared, Is.LessThan(2.5 * expected));
    }

    private static Matrix RandomMatrix(Workspace workspace, int rows, int columns)
    {
        var random = new Random(5);
        Matrix x = workspace.Rent(rows, columns);
        for (int r = 0; r < rows; r++)
            foreach (ref float value in x.RowSpan(r)) value = (float)((random.NextDouble() * 2) - 1);
        return x;
    }

    /// <summary>A random matrix encoded to a type, and what the encoded bytes decode to.</summary>
    private sealed class RandomWeight : IDisposable
    {
        private readonly NativeBuffer<byte> _bytes;

        public RandomWeight(TensorType type, int inputs, int outputs, int seed)
        {
            var random = new Random(seed);
            Values = new float[inputs * outputs];
            foreach (ref float value in Values.AsSpan()) value = (float)((random.NextDouble() * 2) - 1 + 0.1);
            _bytes = new NativeBuffer<byte>(type.ByteCount(Values.Length));
            RandomBlocks.Fill(type, Values, _bytes.Span);
            TensorCodec.Decode(type, _bytes.Span, Values);
            Tensor = new StoredTensor("w", type, [inputs, outputs], _bytes.Pointer);
        }

        public StoredTensor Tensor { get; }

        public float[] Values { get; }

        /// <summary>Makes the scale of a block NaN.</summary>
        public void Spoil(long block)
        {
            // Bits all set are a NaN as half, as float and in the scales of 8 bits. Quants are valid whatever they are.
            int bytes = Tensor.Type.BlockBytes();
            _bytes.Span.Slice((int)block * bytes, bytes).Fill(0xFF);
        }

        public void Dispose() => _bytes.Dispose();
    }
}
