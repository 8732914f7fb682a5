using TinyMllm.Engine;
using TinyMllm.Kernels;
using TinyMllm.Kernels.Attention;
using TinyMllm.Tests.Support;

namespace TinyMllm.Tests.Kernels;

/// <summary>Every width, storage format, head size and remainder against <see cref="AttentionScalar"/>.</summary>
[TestFixture]
public sealed unsafe class AttentionTests
{
    // Heads, key heads, head size, value size, cap: plain, grouped, sizes that leave remainders of blocks of 16 and 32, values narrower than keys, capped.
    private static readonly (int Heads, int KvHeads, int HeadSize, int ValueSize, float SoftCap)[] Shapes =
        [(2, 2, 64, 64, 0), (9, 3, 64, 64, 0), (4, 1, 72, 72, 0), (2, 1, 88, 88, 0), (4, 2, 24, 16, 0), (2, 2, 5, 7, 0), (2, 1, 64, 64, 5)];

    private static IReadOnlyList<Isa> Isas => Isa.Supported;

    [Test]
    public void EveryWidthIsTheOracle([ValueSource(nameof(Isas))] Isa isa, [Values] KeyValueFormat format, [Range(0, 6)] int shape, [Values(1, 5, 37)] int queries)
    {
        using var scope = new IsaScope(isa);
        using var layer = new Layer(Shapes[shape], format, queries, keys: 150);
        float[] expected = layer.Scalar();
        Assert.That(layer.Tiles(), Is.EqualTo(expected).Within(1e-6 * layer.LargestValue));
        Assert.That(layer.Parts(64), Is.EqualTo(expected).Within(1e-6 * layer.LargestValue));
    }

    /// <summary>Keys and values that no query sees must not reach a result, whatever they are.</summary>
    [Test]
    public void KeysOutsideOfTheRangeDoNotCount([ValueSource(nameof(Isas))] Isa isa)
    {
        using var scope = new IsaScope(isa);
        using var layer = new Layer(Shapes[0], KeyValueFormat.Single, queries: 3, keys: 150);
        float[] before = layer.Tiles();
        layer.Spoil(first: 140);
        Assert.That(layer.Tiles(), Is.EqualTo(before));
    }

    [Test]
    public void ScoresFarApartStayFinite([ValueSource(nameof(Isas))] Isa isa)
    {
        using var scope = new IsaScope(isa);
        using var layer = new Layer(Shapes[0], KeyValueFormat.Single, queries: 3, keys: 150, range: 300);
        float[] y = layer.Tiles();
        Assert.That(y, Has.All.Matches<float>(float.IsFinite));
        Assert.That(y, Is.EqualTo(layer.Scalar()).Within(1e-2 * layer.LargestValue));
    }

    /// <summary>One attention layer with its keys and values stored.</summary>
    private sealed class Layer : IDisposable
    {
        private readonly List<IDisposable> _buffers = [];
        private readonly (int Heads, int KvHeads, int HeadSize, int ValueSize, float SoftCap) _shape;
        private readonly int _queries, _keys;
        private AttentionArguments _arguments;

        public Layer((int Heads, int KvHeads, int HeadSize, int ValueSize, float SoftCap) shape, KeyValueFormat format, int queries, int keys, float range = 1)
        {
            (_shape, _queries, _keys) = (shape, queries, keys);
            int blocks = (keys + AttentionTile.KeyBlock - 1) / AttentionTile.KeyBlock;
            _arguments = new AttentionArguments
            {
                Heads = shape.Heads, KvHeads = shape.KvHeads, HeadSize = shape.HeadSize, ValueSize = shape.ValueSize, Scale = 1 / MathF.Sqrt(shape.HeadSize), SoftCap = shape.SoftCap,
                Format = format, Queries = queries, QStride = shape.Heads * shape.HeadSize, OutputStride = shape.Heads * shape.ValueSize,
                KeyHeadBytes = blocks * KeyValueBlocks.KeyBlockBytes(format, shape.HeadSize), ValueRowBytes = KeyValueBlocks.ValueRowBytes(format, shape.ValueSize),
            };
            _arguments.ValueHeadBytes = keys * _arguments.ValueRowBytes;
            _arguments.Q = Copy(KernelData.Uniform(queries * shape.Heads * shape.HeadSize, 1, range));
            _arguments.Keys = Allocate<byte>(shape.KvHeads * _arguments.KeyHeadBytes);
            _arguments.Values = Allocate<byte>(shape.KvHeads * _arguments.ValueHeadBytes);
            _arguments.Output = Allocate<float>(queries * shape.Heads * shape.ValueSize);
            _arguments.Ranges = Allocate<int>(2 * queries);
            for (int i = 0; i < queries; i++)
            {
                // Growing ranges as in a prompt, one that begins late, one of a single key.
                _arguments.Ranges[2 * i] = i % 5 == 4 ? i : i % 3 == 1 ? 10 : 0;
                _arguments.Ranges[(2 * i) + 1] = i % 5 == 4 ? i + 1 : Math.Min(140, 20 + (61 * i));
            }

            float[] k = KernelData.Uniform(keys * shape.KvHeads * shape.HeadSize, 2, range), v = KernelData.Uniform(keys * shape.KvHeads * shape.ValueSize, 3);
            LargestValue = v.Max(Math.Abs);
            fixed (float* pk = k, pv = v)
            {
                for (int t = 0; t < keys; t++)
                {
                    for (int h = 0; h < shape.KvHeads; h++)
                    {
                        KeyValueBlocks.WriteKey(format, pk + (((t * shape.KvHeads) + h) * shape.HeadSize), shape.HeadSize, _arguments.Keys + (h * _arguments.KeyHeadBytes), t);
                        KeyValueBlocks.WriteValue(format, pv + (((t * shape.KvHeads) + h) * shape.ValueSize), shape.ValueSize,
                            _arguments.Values + (h * _arguments.ValueHeadBytes) + (t * _arguments.ValueRowBytes));
                    }
                }
            }
        }

        public float LargestValue { get; }

        private int Rows => _queries * _shape.Heads / _shape.KvHeads;

        public float[] Scalar()
        {
            fixed (AttentionArguments* a = &_arguments) AttentionScalar.Run(a);
            return Output();
        }

        public float[] Tiles()
        {
            fixed (AttentionArguments* a = &_arguments)
            {
                byte* scratch = Allocate<byte>(AttentionTile.ScratchBytes(_arguments));
                for (int head = 0; head < _shape.KvHeads; head++)
                {
                        for (int row = 0; row < Rows; row += AttentionTile.MaxRows)
                            AttentionTile.Run(a, head, row, Math.Min(AttentionTile.MaxRows, Rows - row), 0, 0, scratch);
                }
            }

            return Output();
        }

        /// <summary>The same with the keys split, as for one query over a long cache.</summary>
        public float[] Parts(int keysPerPart)
        {
            int parts = (140 + keysPerPart - 1) / keysPerPart;
            fixed (AttentionArguments* a = &_arguments)
            {
                byte* scratch = Allocate<byte>(AttentionTile.ScratchBytes(_arguments));
                _arguments.PartialRows = Rows;
                _arguments.Partials = Allocate<float>((long)parts * _shape.KvHeads * Rows * _arguments.PartialStride);
                for (int head = 0; head < _shape.KvHeads; head++)
                {
                    for (int part = 0; part < parts; part++)
                    {
                            for (int row = 0; row < Rows; row += AttentionTile.MaxRows)
                                AttentionTile.Run(a, head, row, Math.Min(AttentionTile.MaxRows, Rows - row), part, keysPerPart, scratch);
                    }

                    for (int row = 0; row < Rows; row++) AttentionTile.Join(a, head, row, parts);
                }
            }

            return Output();
        }

        /// <summary>Overwrites keys and values from a token on.</summary>
        public void Spoil(int first)
        {
            float[] junk = new float[Math.Max(_shape.HeadSize, _shape.ValueSize)];
            Array.Fill(junk, 1e30f);
            fixed (float* p = junk)
            {
                for (int t = first; t < _keys; t++)
                {
                    for (int h = 0; h < _shape.KvHeads; h++)
                    {
                        KeyValueBlocks.WriteKey(_arguments.Format, p, _shape.HeadSize, _arguments.Keys + (h * _arguments.KeyHeadBytes), t);
                        KeyValueBlocks.WriteValue(_arguments.Format, p, _shape.ValueSize, _arguments.Values + (h * _arguments.ValueHeadBytes) + (t * _arguments.ValueRowBytes));
                    }
                }
            }
        }

        public void Dispose()
        {
            foreach (var buffer in _buffers) buffer.Dispose();
        }

        private float[] Output() => new ReadOnlySpan<float>(_arguments.Output, _queries * _shape.Heads * _shape.ValueSize).ToArray();

        private float* Copy(float[] values)
        {
            float* p = Allocate<float>(values.Length);
            values.CopyTo(new Span<float>(p, values.Length));
            return p;
        }

        private T* Allocate<T>(long count)
            where T : unmanaged
        {
            var buffer = new NativeBuffer<T>(count, clear: true);
            _buffers.Add(buffer);
            return buffer.Pointer;
        }
    }
}
