using TinyMllm.Kernels;

namespace TinyMllm.Engine;

/// <summary>
/// Rotary position embedding of queries and keys. The cosines and sines of a batch of positions are computed once (<see cref="Prepare"/>)
/// and shared by all heads and layers (<see cref="Apply"/>).
/// </summary>
/// <remarks>
/// A position may have several axes (picture models: time, row, column). For pair p that reads axis a, the angle is
/// position[a]·θ^(−2k/r)·scale/factor, where k counts pairs since the last restart. Like ggml, the power is accumulated in single
/// precision from pair to pair, because at large positions the rounding of the angle is visible in the logits.
/// </remarks>
public sealed unsafe class RotaryEmbedding
{
    private const int MaxAxes = 4;

    /// <summary>Floats below which the overhead of a parallel loop is larger than the work.</summary>
    private const int ParallelThreshold = 32 * 1024;

    private readonly RotaryPair[] _pairs;
    private readonly float _step;
    private readonly float _magnitude;
    private readonly RotaryPairing _pairing;
    private readonly int _segments;

    private RotaryEmbedding(RotaryPair[] pairs, RotaryPairing pairing, int segments, float step, float magnitude)
    {
        _pairs = pairs;
        _pairing = pairing;
        _segments = segments;
        _step = step;
        _magnitude = magnitude;
        foreach (var pair in pairs) Axes = Math.Max(Axes, pair.Axis + 1);
    }

    /// <summary>Positions per row that <see cref="Prepare"/> reads: 1 for plain sequences, up to 4 for picture models.</summary>
    public int Axes { get; private init; } = 1;

    /// <summary>Its number among the rotary embeddings of a model, which finds its table in a <see cref="Decoding.DecoderPass"/>.</summary>
    internal int Slot { get; private init; }

    /// <summary>Features of a head that are turned; the rest pass through.</summary>
    public int Dimensions => 2 * _pairs.Length;

    /// <summary>Columns of the table that <see cref="Prepare"/> fills.</summary>
    public int TableColumns => (_pairing == RotaryPairing.Adjacent ? 4 : 2) * _pairs.Length;

    /// <summary>The same embedding as number <paramref name="slot"/> of a model.</summary>
    internal RotaryEmbedding WithSlot(int slot) => new(_pairs, _pairing, _segments, _step, _magnitude) { Axes = Axes, Slot = slot };

    /// <summary>Builds the embedding of a text decoder.</summary>
    /// <exception cref="ArgumentException">The dimensions are odd or not positive, or the factors have another length.</exception>
    public static RotaryEmbedding Create(RotaryOptions options)
    {
        int count = options.Dimensions / 2;
        if (count <= 0 || options.Dimensions % 2 != 0)
            throw new ArgumentException($"rotary dimensions must be positive and even, not {options.Dimensions}");
        if (options.FrequencyFactors is { } factors && factors.Length != count)
            throw new ArgumentException($"{factors.Length} rotary frequency factors for {count} pairs");

        var pairs = new RotaryPair[count];
        for (int p = 0; p < count; p++)
        {
            pairs[p] = new RotaryPair
            {
                Axis = options.Sections?.Axis(p) ?? 0,
                Factor = options.FrequencyFactors?[p] ?? 1,
                Scale = options.FrequencyScale,
                Extrapolation = options.Yarn?.Extrapolation(p, options) ?? 0,
            };
        }

        // A table of sections makes the model read as many axes as it has sections, even if the last is empty.
        float magnitude = options.Magnitude * (options.Yarn?.Magnitude ?? 1);
        return new RotaryEmbedding(pairs, options.Pairing, 1, Step(options.Base, options.Dimensions), magnitude)
        {
            Axes = options.Sections is null ? 1 : MaxAxes,
        };
    }

    /// <summary>
    /// Two-dimensional form of Pixtral, MoonViT and llama 4: adjacent pairs, the first half of the head turns with axis 0, the second
    /// with axis 1 (docs/models/vision.md#rotary-embedding-of-patches, split halves).
    /// </summary>
    /// <param name="headSize">Features per head, a multiple of 4.</param>
    /// <param name="theta">Base of the frequencies.</param>
    /// <param name="interleaved">Whether the second half's frequencies lie between those of the first (Pixtral): factor θ^(−2/d).</param>
    public static RotaryEmbedding Split2D(int headSize, float theta, bool interleaved) =>
        TwoAxes(headSize, theta, RotaryPairing.Adjacent, 1, interleaved ? MathF.Pow(theta, -2f / headSize) : 1);

    /// <summary>
    /// Form of Qwen2-VL's vision tower: half-split pairs, the first half of the pairs turns with axis 0 (row), the second with axis 1
    /// (column), the frequencies starting again (docs/models/vision.md#rotary-embedding-of-patches, M-RoPE).
    /// </summary>
    public static RotaryEmbedding VisionSections(int headSize, float theta = 10000) =>
        TwoAxes(headSize, theta, RotaryPairing.HalfSplit, 1, 1);

    /// <summary>
    /// Form of Gemma 4's vision tower: each half of the head is turned by itself with half-split pairs, the first with axis 0 (column),
    /// the second with axis 1 (row) (docs/models/vision.md#rotary-embedding-of-patches, half-split halves).
    /// </summary>
    public static RotaryEmbedding SplitHalves(int headSize, float theta = 100) =>
        TwoAxes(headSize, theta, RotaryPairing.HalfSplit, 2, 1);

    /// <summary>Computes the cosines and sines of <paramref name="rows"/> positions.</summary>
    /// <param name="workspace">Gives the memory; the result lives as long as its current frame.</param>
    /// <param name="positions">
    /// Up to 4 axes × <paramref name="rows"/> positions, axis by axis. Where fewer axes are given the last stands for the others, except
    /// that the fourth is then 0 (text in a multimodal model: p, p, p, 0).
    /// </param>
    /// <param name="rows">Number of tokens or patches.</param>
    /// <returns>One row per token: cosines, then sines.</returns>
    /// <exception cref="ArgumentException">The number of positions is not a multiple of <paramref name="rows"/>.</exception>
    public Matrix Prepare(Workspace workspace, ReadOnlySpan<int> positions, int rows)
    {
        if (rows <= 0 || positions.Length < rows || positions.Length % rows != 0)
            throw new ArgumentException($"{positions.Length} positions for {rows} rows", nameof(positions));

        var table = workspace.Rent(rows, TableColumns);
        int lastAxis = positions.Length / rows - 1;
        float* position = stackalloc float[MaxAxes];
        for (int i = 0; i < rows; i++)
        {
            for (int axis = 0; axis < MaxAxes; axis++)
                position[axis] = axis <= lastAxis || axis < MaxAxes - 1 ? positions[Math.Min(axis, lastAxis) * rows + i] : 0;
            FillRow(table.Row(i), position);
        }

        return table;
    }

    /// <summary>Turns all heads of <paramref name="x"/> in place.</summary>
    /// <param name="workspace">Gives the threads.</param>
    /// <param name="table">What <see cref="Prepare"/> gave for the positions of these rows.</param>
    /// <param name="x">One row per token: <paramref name="heads"/> heads of <paramref name="headSize"/> features.</param>
    /// <param name="heads">Number of heads.</param>
    /// <param name="headSize">Features per head.</param>
    /// <param name="offset">First feature of a head that is turned (multi-head latent attention turns the tail).</param>
    public void Apply(Workspace workspace, Matrix table, Matrix x, int heads, int headSize, int offset = 0)
    {
        if (table.Rows != x.Rows || table.Columns != TableColumns || x.Columns != heads * headSize || offset + Dimensions > headSize)
        {
            string shapes = $"{heads} heads of {headSize} in {x.Rows}×{x.Columns}, table {table.Rows}×{table.Columns}";
            throw new ArgumentException($"rotary embedding of {Dimensions} features at {offset}: {shapes}");
        }

        var body = new Turn(table, x, heads, headSize, offset, _pairs.Length, _segments, _pairing);
        if (x.Rows * (long)x.Columns >= ParallelThreshold) workspace.Pool.For(x.Rows, ref body);
        else for (int i = 0; i < x.Rows; i++) body.Run(i);
    }

    private static RotaryEmbedding TwoAxes(int headSize, float theta, RotaryPairing pairing, int segments, float secondScale)
    {
        if (headSize <= 0 || headSize % 4 != 0)
            throw new ArgumentException($"head size {headSize} is not a multiple of 4", nameof(headSize));
        var pairs = new RotaryPair[headSize / 2];
        for (int p = 0; p < pairs.Length; p++)
        {
            bool second = p >= pairs.Length / 2;
            pairs[p] = new RotaryPair
            {
                Axis = second ? 1 : 0,
                Restart = p == pairs.Length / 2,
                Factor = 1,
                Scale = second ? secondScale : 1,
            };
        }

        return new RotaryEmbedding(pairs, pairing, segments, Step(theta, headSize / 2), 1);
    }

    private static float Step(float theta, int dimensions) => MathF.Pow(theta, -2f / dimensions);

    private void FillRow(float* row, float* position)
    {
        float* running = stackalloc float[MaxAxes];
        for (int axis = 0; axis < MaxAxes; axis++) running[axis] = position[axis];

        float* cosines = row;
        float* sines = row + TableColumns / 2;
        for (int p = 0; p < _pairs.Length; p++)
        {
            ref readonly var pair = ref _pairs[p];
            if (pair.Restart)
            {
                for (int axis = 0; axis < MaxAxes; axis++) running[axis] = position[axis];
            }

            float full = running[pair.Axis] / pair.Factor;
            float angle = full * pair.Scale * (1 - pair.Extrapolation) + full * pair.Extrapolation;
            (float sin, float cos) = MathF.SinCos(angle);
            if (_pairing == RotaryPairing.HalfSplit)
            {
                cosines[p] = cos * _magnitude;
                sines[p] = sin * _magnitude;
            }
            else
            {
                cosines[2 * p] = cosines[2 * p + 1] = cos * _magnitude;
                sines[2 * p] = -(sines[2 * p + 1] = sin * _magnitude);
            }

            for (int axis = 0; axis < MaxAxes; axis++) running[axis] *= _step;
        }
    }

    private struct RotaryPair
    {
        /// <summary>Which position turns this pair.</summary>
        public int Axis;

        /// <summary>Whether the frequencies start again at this pair.</summary>
        public bool Restart;

        /// <summary>Divides the angle.</summary>
        public float Factor;

        /// <summary>Multiplies the angle where it is interpolated.</summary>
        public float Scale;

        /// <summary>YaRN: 0 = interpolate (use <see cref="Scale"/>), 1 = leave the angle as it is.</summary>
        public float Extrapolation;
    }

    private readonly struct Turn(
        Matrix table, Matrix x, int heads, int headSize, int offset, int pairs, int segments, RotaryPairing pairing) : IParallelBody
    {
        public void Run(int index)
        {
            float* cos = table.Row(index);
            float* sin = cos + table.Columns / 2;
            float* head = x.Row(index) + offset;
            for (int h = 0; h < heads; h++, head += headSize)
            {
                if (pairing == RotaryPairing.Adjacent)
                {
                    Rotary.RotateAdjacent(head, cos, sin, pairs);
                    continue;
                }

                int part = pairs / segments;
                for (int s = 0; s < segments; s++) Rotary.RotateHalves(head + 2 * part * s, cos + part * s, sin + part * s, part);
            }
        }
    }
}
