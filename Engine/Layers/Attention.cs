using System.Runtime.CompilerServices;
using TinyMllm.Kernels.Attention;

namespace TinyMllm.Engine;

/// <summary>softmax(scale·Q·Kᵀ)·V per head over the keys that each query sees; tiled, with online softmax, no score matrix in memory.</summary>
public static unsafe class Attention
{
    /// <summary>Keys per part when a single tile's keys are split among threads. Fixed, so that results do not depend on the thread count.</summary>
    private const int KeysPerPart = 256;

    /// <summary>Attention over keys and values that lie in matrices (encoders).</summary>
    /// <param name="workspace">Threads and scratch.</param>
    /// <param name="shape">Heads and sizes.</param>
    /// <param name="q">[queries, Heads·HeadSize].</param>
    /// <param name="k">[keys, KvHeads·HeadSize].</param>
    /// <param name="v">[keys, KvHeads·ValueSize].</param>
    /// <param name="ranges">One range of keys per query; not empty.</param>
    /// <param name="output">[queries, Heads·ValueSize]; may be <paramref name="q"/> where heads and values have the same size.</param>
    public static void Forward(Workspace workspace, AttentionShape shape, Matrix q, Matrix k, Matrix v, ReadOnlySpan<KeyRange> ranges, Matrix output)
    {
        int end = Check(shape, q, k.Rows, ranges, output);
        using (workspace.Frame())
        {
            int blocks = (k.Rows + AttentionTile.KeyBlock - 1) / AttentionTile.KeyBlock;
            long keyHead = blocks * KeyValueBlocks.KeyBlockBytes(KeyValueFormat.Single, shape.HeadSize);

            // Values can be read where they are unless a head's last vector would reach into the next head.
            bool copyValues = shape.ValueSize % 16 != 0;
            long valueRow = copyValues ? KeyValueBlocks.ValueRowBytes(KeyValueFormat.Single, shape.ValueSize) : (long)v.Stride * sizeof(float);
            var arguments = new AttentionArguments
            {
                Format = KeyValueFormat.Single,
                Keys = workspace.Rent<byte>(keyHead * shape.KvHeads),
                KeyHeadBytes = keyHead,
                Values = copyValues ? workspace.Rent<byte>(valueRow * k.Rows * shape.KvHeads) : (byte*)v.Data,
                ValueHeadBytes = copyValues ? valueRow * k.Rows : (long)shape.ValueSize * sizeof(float),
                ValueRowBytes = valueRow,
            };
            var store = new StoreBody(arguments, shape, k, copyValues ? v : default, firstToken: 0);
            workspace.Pool.For(store.Tasks, ref store);
            Run(workspace, shape, q, ranges, output, arguments, end);
        }
    }

    /// <summary>Attention over the keys and values of a cache layer (decoders); ranges count from the cache's first cell.</summary>
    public static void Forward(Workspace workspace, AttentionShape shape, Matrix q, KvLayer cache, ReadOnlySpan<KeyRange> ranges, Matrix output)
    {
        int end = Check(shape, q, cache.Capacity, ranges, output);
        Run(workspace, shape, q, ranges, output, cache.Arguments, end);
    }

    /// <summary>Stores keys and values of a batch in the layout of <paramref name="arguments"/>.</summary>
    internal static void Store(Workspace workspace, AttentionArguments arguments, AttentionShape shape, Matrix k, Matrix v, int firstToken)
    {
        var body = new StoreBody(arguments, shape, k, v, firstToken);
        workspace.Pool.For(body.Tasks, ref body);
    }

    private static void Run(
        Workspace workspace, AttentionShape shape, Matrix q, ReadOnlySpan<KeyRange> ranges, Matrix output, AttentionArguments arguments, int end)
    {
        arguments.Heads = shape.Heads;
        arguments.KvHeads = shape.KvHeads;
        arguments.HeadSize = shape.HeadSize;
        arguments.ValueSize = shape.ValueSize;
        arguments.Scale = shape.Scale;
        arguments.SoftCap = shape.SoftCap;
        arguments.Q = q.Data;
        arguments.QStride = q.Stride;
        arguments.Queries = q.Rows;
        arguments.Output = output.Data;
        arguments.OutputStride = output.Stride;
        int rows = q.Rows * arguments.Group, tiles = (rows + AttentionTile.MaxRows - 1) / AttentionTile.MaxRows;
        int parts = tiles == 1 ? (end + KeysPerPart - 1) / KeysPerPart : 1;
        using (workspace.Frame())
        {
            fixed (KeyRange* r = ranges)
            {
                arguments.Ranges = (int*)r;
                if (parts > 1)
                {
                    arguments.PartialRows = rows;
                    arguments.Partials = workspace.Rent<float>((long)parts * shape.KvHeads * rows * arguments.PartialStride);
                }

                var body = new TileBody { Arguments = &arguments, Rows = rows, Tiles = tiles, Parts = parts };
                workspace.Pool.For(shape.KvHeads * tiles * parts, ref body);
                if (parts == 1) return;
                for (int head = 0; head < shape.KvHeads; head++)
                    for (int row = 0; row < rows; row++) AttentionTile.Join(&arguments, head, row, parts);
            }
        }
    }

    private static int Check(AttentionShape shape, Matrix q, int keys, ReadOnlySpan<KeyRange> ranges, Matrix output)
    {
        if (shape.KvHeads <= 0 || shape.Heads % shape.KvHeads != 0)
            throw new ArgumentException($"{shape.Heads} query heads cannot share {shape.KvHeads} key heads");
        if (q.Columns != shape.Heads * shape.HeadSize || output.Columns != shape.Heads * shape.ValueSize || output.Rows != q.Rows || ranges.Length != q.Rows)
            throw new ArgumentException($"queries {q.Rows}×{q.Columns}, output {output.Rows}×{output.Columns} and {ranges.Length} ranges do not fit {shape}");
        int largest = 0;
        foreach (var range in ranges)
        {
            if (range.Start < 0 || range.End > keys || range.Start >= range.End)
                throw new ArgumentException($"key range {range.Start}..{range.End} is empty or outside the {keys} keys");
            largest = Math.Max(largest, range.End);
        }

        return largest;
    }

    private struct TileBody : IParallelBody
    {
        public AttentionArguments* Arguments;
        public int Rows, Tiles, Parts;

        [SkipLocalsInit]
        public readonly void Run(int index)
        {
            byte* memory = stackalloc byte[checked((int)AttentionTile.ScratchBytes(*Arguments))];
            byte* scratch = (byte*)(((nint)memory + 63) & -64);

            // Causal tiles grow towards the end of the batch: the large ones go first, so that threads finish together.
            int part = index % Parts, tile = Tiles - 1 - (index / Parts % Tiles), head = index / Parts / Tiles;
            int first = tile * AttentionTile.MaxRows;
            AttentionTile.Run(Arguments, head, first, Math.Min(AttentionTile.MaxRows, Rows - first), part, Parts > 1 ? KeysPerPart : 0, scratch);
        }
    }

    private struct StoreBody : IParallelBody
    {
        private const int TokensPerTask = 32;

        private readonly AttentionArguments _arguments;
        private readonly AttentionShape _shape;
        private readonly Matrix _k, _v;
        private readonly int _firstToken;

        public StoreBody(AttentionArguments arguments, AttentionShape shape, Matrix k, Matrix v, int firstToken)
        {
            (_arguments, _shape, _k, _v, _firstToken) = (arguments, shape, k, v, firstToken);
        }

        public readonly int Tasks => (_k.Rows + TokensPerTask - 1) / TokensPerTask;

        public readonly void Run(int index)
        {
            int end = Math.Min(_k.Rows, (index + 1) * TokensPerTask);
            for (int head = 0; head < _shape.KvHeads; head++)
            {
                byte* keys = _arguments.Keys + (head * _arguments.KeyHeadBytes), values = _arguments.Values + (head * _arguments.ValueHeadBytes);
                for (int t = index * TokensPerTask; t < end; t++)
                {
                    KeyValueBlocks.WriteKey(_arguments.Format, _k.Row(t) + (head * _shape.HeadSize), _shape.HeadSize, keys, _firstToken + t);
                    if (_v.Data == null) continue;
                    byte* row = values + ((_firstToken + t) * _arguments.ValueRowBytes);
                    KeyValueBlocks.WriteValue(_arguments.Format, _v.Row(t) + (head * _shape.ValueSize), _shape.ValueSize, row);
                }
            }
        }
    }
}
