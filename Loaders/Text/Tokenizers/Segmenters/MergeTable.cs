using System.Numerics;
using System.Runtime.CompilerServices;

namespace TinyMllm.Loaders.Text.Tokenizers.Segmenters;

/// <summary>What pairs of symbols merge into, by rank: open addressing, at most half full, sixteen bytes per slot.</summary>
internal sealed class MergeTable
{
    /// <summary>The rank of a pair that does not merge.</summary>
    public const uint None = uint.MaxValue;

    private static readonly ulong Multiplier = (ulong)Random.Shared.NextInt64(long.MinValue, long.MaxValue) | 1;

    private readonly Slot[] _slots;
    private readonly int _shift;

    /// <summary>Creates an empty table.</summary>
    /// <param name="capacity">Most pairs that will be added.</param>
    public MergeTable(int capacity)
    {
        uint count = BitOperations.RoundUpToPowerOf2((uint)Math.Max(2L * capacity, 16));
        _slots = new Slot[count];
        _shift = 64 - BitOperations.Log2(count);
        Array.Fill(_slots, new Slot(0, 0, None, 0));
    }

    /// <summary>Adds a pair; where it is already known the first rank stays.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Add(int left, int right, uint rank, int merged)
    {
        for (int at = Start(left, right); ; at = (at + 1) & (_slots.Length - 1))
        {
            ref Slot slot = ref _slots[at];
            if (slot.Rank == None) slot = new Slot(left, right, rank, merged);
            if (slot.Left == left && slot.Right == right) return;
        }
    }

    /// <summary>Rank of a pair, or <see cref="None"/>, and the symbol it merges into.</summary>
    public uint Find(int left, int right, out int merged)
    {
        for (int at = Start(left, right); ; at = (at + 1) & (_slots.Length - 1))
        {
            ref readonly Slot slot = ref _slots[at];
            merged = slot.Merged;
            if (slot.Rank == None || (slot.Left == left && slot.Right == right)) return slot.Rank;
        }
    }

    private int Start(int left, int right)
    {
        ulong key = ((ulong)(uint)left << 32) | (uint)right;
        key ^= key >> 29;
        return (int)((key * Multiplier) >> _shift);
    }

    private readonly record struct Slot(int Left, int Right, uint Rank, int Merged);
}
